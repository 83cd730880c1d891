// In a worker: firing rate against current, from the coarse to the fine; a newer question ends the one before.
let asked = 0;
let page = null;

onmessage = ({ data }) => {
  if (data.page) {
    page = { ...data.page, ...loose(data.page) };
    return;
  }
  asked = data.id;
  answer(data, 0);
};

// A rate needs no more of an adaptive integrator.
function loose({ rtol, atol }) {
  if (!(rtol < 1e-5)) return {};
  return { rtol: 1e-5, atol: atol.map((a) => (a * 1e-5) / rtol) };
}

function answer(question, k) {
  if (question.id !== asked || k >= question.currents.length) return;
  const current = question.currents[k];
  postMessage({ id: question.id, current, rate: firingRate(question, current) });
  setTimeout(() => answer(question, k + 1));
}

// Of a constant current, over the second half of the run (Hz); NaN where the run failed.
function firingRate({ parameters, stimulus, initial, t_stop }, current) {
  const still = Object.fromEntries(Object.entries(stimulus).map(([name, v]) => [name, name.endsWith("amplitude") ? 0 : v]));
  const held = { ...still, "0.amplitude": current, "0.start": 0, "0.stop": Infinity };
  const run = simulate(page, { parameters, stimulus: held, t_stop, every: t_stop, initial });
  if (run.failure) return NaN;
  const late = run.spikes.filter((t) => t >= t_stop / 2);
  return late.length < 2 ? 0 : (1000 * (late.length - 1)) / (late[late.length - 1] - late[0]);
}
