// The arrays of a page, and what they say of a plane of two axes.
const ARRAYS = { uint16: Uint16Array, uint32: Uint32Array, float32: Float32Array, float64: Float64Array };
const MISSING = 65535;

// An array from its packed text; one by one, so that the browser inflates them by itself.
async function unpacked({ dtype, data }) {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new ARRAYS[dtype](await new Response(stream).arrayBuffer());
}

async function unpackedTables(tables) {
  for (const table of tables) {
    table.count = await unpacked(table.count);
    for (const [name, { low, high, dtype, data }] of Object.entries(table.values)) {
      const steps = await unpacked({ dtype, data });
      const unit = (high - low) / (MISSING - 1);
      table.values[name] = Float64Array.from(steps, (s) => (s === MISSING ? NaN : low + s * unit));
    }
  }
}

// The rows that the page has whole: columns of numbers, features and parameters.
async function unpackedRows(page) {
  const number = await unpacked(page.rows.number);
  const columns = {};
  for (const [name, array] of Object.entries(page.rows.features)) columns[name] = await unpacked(array);
  if (page.rows.parameters) {
    for (const [name, array] of Object.entries(page.rows.parameters)) columns[name] = await unpacked(array);
  } else {
    for (const name of Object.keys(page.along)) columns[name] = Float64Array.from(number, (row) => parameterOfRow(page, row, name));
  }
  return { number, columns };
}

// A parameter of any row of a grid, whose last axis is the fastest.
function parameterOfRow(page, row, name) {
  const { grid, values } = page.along[name];
  let left = row;
  for (let k = page.grid.length - 1; k >= 0; k--) {
    const [axis, n] = page.grid[k];
    if (axis === grid) return values[left % n];
    left = Math.floor(left / n);
  }
  return NaN;
}

// Values of a feature over the bins of axes x and y (n by m, y slow). held: axis -> bin, or -1 for all of it.
function planeOfTable(page, x, y, feature, held) {
  const table = page.tables.find((t) => [x, y].every((name) => t.axes.includes(name)));
  const { axes, shape, count } = table;
  const values = table.values[feature.name];
  const strides = shape.map((_, a) => shape.slice(a + 1).reduce((p, n) => p * n, 1));
  let offsets = [0]; // of the bins that are joined
  axes.forEach((name, a) => {
    if (name === x || name === y) return;
    const bins = held[name] >= 0 ? [held[name]] : Array.from({ length: shape[a] }, (_, k) => k);
    offsets = offsets.flatMap((offset) => bins.map((k) => offset + k * strides[a]));
  });
  const [ax, ay] = [axes.indexOf(x), axes.indexOf(y)];
  const [n, m] = [shape[ax], shape[ay]];
  const one = feature.codes.length ? mostFrequent(feature.codes.length) : mean;
  const found = new Float64Array(n * m);
  for (let j = 0; j < m; j++) {
    for (let i = 0; i < n; i++) {
      const first = ax === ay ? i * strides[ax] : i * strides[ax] + j * strides[ay];
      found[j * n + i] = one(values, count, first, offsets);
    }
  }
  return { n, m, values: found };
}

function mean(values, count, first, offsets) {
  let sum = 0;
  let weight = 0;
  for (const offset of offsets) {
    const v = values[first + offset];
    if (Number.isNaN(v)) continue;
    sum += v * count[first + offset];
    weight += count[first + offset];
  }
  return sum / weight;
}

const mostFrequent = (n) => (values, count, first, offsets) => {
  const votes = new Float64Array(n);
  let best = NaN;
  for (const offset of offsets) {
    const v = values[first + offset];
    if (Number.isNaN(v)) continue;
    votes[v] += count[first + offset];
    if (Number.isNaN(best) || votes[v] > votes[best]) best = v;
  }
  return best;
};

const ROWS_IN_A_BLOCK = 4; // in the mean: of fewer, most of a map would have no value

// The same from the rows that the page has, those for which wanted(k) is true: few, so that neighbouring bins are joined to blocks.
function planeOfRows(page, rows, x, y, feature, wanted) {
  const [n, m] = [x, y].map((name) => page.axes.find((axis) => axis.name === name).centres.length);
  const binOf = (name) => {
    const axis = page.axes.find((a) => a.name === name);
    const scale = axis.log ? Math.log : (v) => v;
    const [first, last] = [scale(axis.centres[0]), scale(axis.centres[axis.centres.length - 1])];
    const width = (last - first) / (axis.centres.length - 1) || 1;
    return (v) => Math.min(axis.centres.length - 1, Math.max(0, Math.round((scale(v) - first) / width)));
  };
  const [binX, binY] = [binOf(x), binOf(y)];
  const column = rows.columns[feature.name];
  const some = Array.from(rows.number.keys()).filter((k) => !Number.isNaN(column[k]) && wanted(k));
  const side = Math.max(1, Math.ceil(Math.sqrt((ROWS_IN_A_BLOCK * n * m) / Math.max(1, some.length))));
  const blocks = new Map(); // place -> the values there
  const [across, up] = [n, m].map((length) => Math.max(1, Math.floor(length / side)));
  const blockOf = (i, j) => Math.floor((j * up) / m) * n + Math.floor((i * across) / n);
  for (const k of some) {
    const place = blockOf(binX(rows.columns[x][k]), binY(rows.columns[y][k]));
    if (!blocks.has(place)) blocks.set(place, []);
    blocks.get(place).push(column[k]);
  }
  const one = feature.codes.length ? mostFrequent(feature.codes.length) : mean;
  const told = new Map([...blocks].map(([place, values]) => [place, one(values, values.map(() => 1), 0, [...values.keys()])]));
  const values = Float64Array.from({ length: n * m }, (_, at) => told.get(blockOf(at % n, Math.floor(at / n))) ?? NaN);
  return { n, m, values };
}
