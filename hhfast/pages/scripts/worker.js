// In a worker: runs of a cell, and firing rate against current, from the coarse to the fine; a newer curve ends the one
// before.
let asked = 0;
let page = null;
let looser = null;

onmessage = ({ data }) => {
  if (data.page) {
    page = data.page;
    looser = { ...page, ...loose(page) };
  } else if (data.run) {
    const run = wholeRun(data.run.coarse ? looser : page, data.run);
    postMessage({ run }, [run.time.buffer, run.traces.V.buffer]);
  } else {
    asked = data.id;
    answer(data, 0);
  }
};

// A rate, or a trace while a slider moves, needs no more of an adaptive integrator.
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
  const held = { ...withoutCurrent(stimulus), "0.amplitude": current, "0.start": 0, "0.stop": Infinity };
  const run = simulate(looser, { parameters, stimulus: held, t_stop, every: t_stop, initial });
  if (run.failure) return NaN;
  const late = run.spikes.filter((t) => t >= t_stop / 2);
  return late.length < 2 ? 0 : (1000 * (late.length - 1)) / (late[late.length - 1] - late[0]);
}
