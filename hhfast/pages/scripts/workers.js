// Work beside the page, in which the page's kernels run; without it (some browsers forbid it to files) `failed` is called.
function startWorker(page, take, failed) {
  const source = [byId("engine").textContent, byId("worker").textContent].join("\n");
  try {
    const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    worker.onmessage = ({ data }) => take(data);
    worker.onerror = failed;
    worker.postMessage({ page });
    return worker;
  } catch {
    failed();
    return null;
  }
}

// Runs of a cell, one at a time: of those asked for meanwhile only the last is begun.
class Runner {
  constructor(page, take) {
    Object.assign(this, { page, take, works: true, busy: false, sent: null, waiting: null, wanted: true });
    this.worker = startWorker(page, ({ run }) => this.done(run), () => this.fail());
  }

  ask(question) {
    this.wanted = true;
    if (this.busy) this.waiting = question;
    else this.send(question);
  }

  // What was asked is wanted no more.
  forget() { Object.assign(this, { waiting: null, wanted: false }); }

  send(question) {
    Object.assign(this, { busy: true, sent: question });
    this.worker.postMessage({ run: question });
  }

  // Without a worker the page itself computes what was asked last.
  fail() {
    this.works = false;
    if (this.busy) this.done(wholeRun(this.page, this.waiting || this.sent));
  }

  done(run) {
    const { waiting, wanted } = this;
    Object.assign(this, { busy: false, waiting: null });
    if (waiting && this.works) this.send(waiting);
    if (wanted) this.take(run);
  }
}
