// Round numbers along an axis, and the range of what is drawn.
// Round numbers from low to high, about `count` of them.
function ticks(low, high, count) {
  const rough = (high - low) / count;
  if (!(rough > 0) || !Number.isFinite(rough)) return [];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((m) => m * power >= rough * 0.8) * power;
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, k) => (first + k) * step);
}

// Whole powers of ten between two logarithms, with 2 and 5 times each where there is room for them.
function ticksOfPowers(low, high, count) {
  if (!(high - low > 0.5)) return ticks(low, high, count);
  const every = Math.max(1, Math.ceil((high - low) / (1.5 * count)));
  const factors = 3 * (high - low) <= 1.5 * count ? [1, 2, 5] : [1];
  const powers = Array.from({ length: Math.ceil(high) - Math.floor(low) + 1 }, (_, k) => Math.floor(low) + k);
  const all = powers.filter((n) => n % every === 0).flatMap((n) => factors.map((m) => n + Math.log10(m)));
  return all.filter((u) => u >= low - 1e-9 && u <= high + 1e-9);
}

function tickText(value, all) {
  const step = all.length > 1 ? Math.abs(all[1] - all[0]) : 1;
  const size = Math.max(...all.map(Math.abs));
  if (size >= 1e5 || (size > 0 && size < 1e-3)) return plain(value, 3).replace("-", "−");
  return value.toFixed(Math.max(0, Math.min(6, -Math.floor(Math.log10(step) + 1e-9)))).replace("-", "−");
}

// The range of finite values, with some room; at least `least` wide, and wide enough for ticks to differ.
function extent(arrays, least = 1e-9, room = 0.05) {
  let low = Infinity;
  let high = -Infinity;
  for (const values of arrays) {
    for (const v of values) {
      if (v < low && v > -Infinity) low = v;
      if (v > high && v < Infinity) high = v;
    }
  }
  if (!(low <= high)) return [0, 1];
  const width = Math.max(high - low, least, 0.01 * Math.max(Math.abs(low), Math.abs(high)));
  const middle = (low + high) / 2;
  return [middle - (0.5 + room) * width, middle + (0.5 + room) * width];
}

// From 0 to 1, and as far beyond as some fits of steady states go.
function extentOfFractions(arrays) {
  const [low, high] = extent([[0, 1], ...arrays], 1, 0.03);
  return [Math.max(low, -0.5), Math.min(high, 1.5)];
}

// The same of what cannot be negative: no room below zero but for the line itself.
function extentOfAmounts(arrays, least, room) {
  const [low, high] = extent(arrays, least, room);
  const negative = arrays.some((values) => values.some((v) => v < 0));
  return negative ? [low, high] : [Math.max(low, -0.03 * (high - Math.max(low, 0))), high];
}
