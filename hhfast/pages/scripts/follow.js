// How to go on from what is on the screen: the row that is chosen and the rows that brushes select, as commands.
function commands() {
  const file = quotedForShell(page.name);
  const base = page.name.replace(/\.[^.]*$/, "");
  const lines = [`hhfast info ${file}`];
  if (state.row >= 0 && page.simulation) {
    lines.push(`hhfast trace ${file} --row ${state.row} -o ${quotedForShell(`${base}-row-${state.row}.png`)}`);
  }
  const where = criteria();
  if (where) lines.push(`hhfast select ${file} --where ${quotedForShell(where)} -o ${quotedForShell(`${base}-selected.csv`)}`);
  return lines.join("\n");
}

// The brushes as a criterion of `hhfast select`.
function criteria() {
  return Object.entries(brushes).flatMap(([name, [low, high]]) => [
    ...(low > -Infinity ? [`${name} >= ${plain(low, 6)}`] : []), ...(high < Infinity ? [`${name} <= ${plain(high, 6)}`] : []),
  ]).join(" and ");
}

const quotedForShell = (text) => (/^[A-Za-z0-9._/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

function tell() {
  byId("code").textContent = commands();
}
