// Squid axons by hand: blocks of neurons side by side in local arrays, the loop over them vectorised by the compiler.
// `plain` writes every exponential as in the paper (the compiler calls libmvec). `expert` does what a specialist
// would: all six rate exponentials are powers of one small exponential u = exp(-(V + 65) / 720); the exponential
// step x + dt phi(b dt) (a - b x), phi(z) = (1 - exp(-z)) / z, takes phi as a polynomial on 0..1 (b dt < 1 here); and a
// step is several short loops over the block, in which the processor sees the independent work of many neurons.
#include <algorithm>
#include <cmath>
#include <cstdint>

static const int W = 128;  // neurons in a block

template <class R> static inline R safe_linoid(R x, R e) {  // x / (1 - e), e = exp(-x); 1 + x / 2 next to 0
    R far = x / (R(1) - e), near = R(1) + R(0.5) * x;
    return std::fabs(x) < R(sizeof(R) == 8 ? 1e-6 : 1e-3) ? near : far;
}

template <class R> struct Gates {
    R am, bm, ah, bh, an, bn;
};

template <class R> struct Block {
    alignas(64) R g_Na[W], g_K[W], g_L[W], I[W], V[W], m[W], h[W], n[W], armed[W], count[W];
    R am[W], bm[W], ah[W], bh[W], an[W], bn[W];  // a and b of the gates: x' = a - b x
};

template <class R, class How> static inline R next_V(const Block<R> &x, int i, R dt) {
    R GNa = x.g_Na[i] * x.m[i] * x.m[i] * x.m[i] * x.h[i], n2 = x.n[i] * x.n[i], GK = x.g_K[i] * n2 * n2;
    return How::advance(x.V[i], GNa * R(50) - GK * R(77) - x.g_L[i] * R(54.387) + x.I[i], GNa + GK + x.g_L[i], dt);
}

template <class R> static inline void count_spike(Block<R> &x, int i) {
    R spike = x.V[i] >= R(-20) ? x.armed[i] : R(0);
    x.count[i] += spike;
    x.armed[i] = x.V[i] < R(-30) ? R(1) : x.armed[i] - spike;
}

template <class R> struct Plain {
    static inline Gates<R> rates(R V) {
        Gates<R> r;
        R x = (V + R(40)) / R(10), y = (V + R(55)) / R(10);
        r.am = safe_linoid(x, std::exp(-x));
        r.bm = R(4) * std::exp(-(V + R(65)) / R(18));
        r.ah = R(0.07) * std::exp(-(V + R(65)) / R(20));
        r.bh = R(1) / (R(1) + std::exp(-(V + R(35)) / R(10)));
        r.an = R(0.1) * safe_linoid(y, std::exp(-y));
        r.bn = R(0.125) * std::exp(-(V + R(65)) / R(80));
        return r;
    }
    static inline R advance(R x, R a, R b, R dt) {  // x' = a - b x over dt
        R inf = a / b;
        return inf + (x - inf) * std::exp(-dt * b);
    }
    __attribute__((always_inline)) static inline void step(Block<R> &x, R dt) {
#pragma omp simd
        for (int i = 0; i < W; i++) {
            x.V[i] = next_V<R, Plain>(x, i, dt);
            Gates<R> r = rates(x.V[i]);
            x.m[i] = advance(x.m[i], r.am, r.am + r.bm, dt);
            x.h[i] = advance(x.h[i], r.ah, r.ah + r.bh, dt);
            x.n[i] = advance(x.n[i], r.an, r.an + r.bn, dt);
            count_spike(x, i);
        }
    }
};

static inline double small_exp(double y) {  // exp(y), -0.2 < y < 0.1
    double y2 = y * y, y4 = y2 * y2;
    double p = (0.5 + 0.16666666665018680 * y) + (0.04166666658207970 + 0.00833333600277983 * y) * y2;
    double q = (0.00138890818353007 + 0.000198310852049885 * y) + 0.0000236052735089326 * y2;
    return (1.0 + y) + y2 * (p + y4 * q);
}
static inline float small_exp(float y) {
    float y2 = y * y;
    return (1.0f + y) + y2 * ((0.5f + 0.16667235f * y) + (0.041662489f + 0.0079332840f * y) * y2);
}
static inline double phi(double z) {  // (1 - exp(-z)) / z, 0 <= z <= 1
    double z2 = z * z, z4 = z2 * z2;
    double p = (0.999999999998595346 - 0.499999999772313994 * z) + (0.166666660577155063 - 0.041666603795078553 * z) * z2;
    double q = (0.00833300703076652768 - 0.00138793266992487886 * z)
             + (0.000196752353851693139 - 0.0000230928030022920903 * z) * z2;
    return p + z4 * (q + 1.7679097918422934e-6 * z4);
}
static inline float phi(float z) {
    float z2 = z * z;
    return (0.99999993f - 0.49999516f * z)
         + z2 * ((0.16660967f - 0.041418763f * z) + (0.0078373638f - 0.00091254539f * z) * z2);
}

template <class R> struct Expert {
    static inline Gates<R> rates(R V) {
        Gates<R> r;
        R u = small_exp(-(V + R(65)) * R(1.0 / 720.0));
        R u2 = u * u, u4 = u2 * u2, u8 = u4 * u4, u9 = u8 * u, u18 = u9 * u9;
        R u36 = u18 * u18, u40 = u36 * u4, u72 = u36 * u36;
        r.am = safe_linoid(R(0.1) * V + R(4), R(12.182493960703473) * u72);
        r.bm = R(4) * u40;
        r.ah = R(0.07) * u36;
        r.bh = R(1) / (R(1) + R(20.085536923187668) * u72);
        r.an = R(0.1) * safe_linoid(R(0.1) * V + R(5.5), R(2.718281828459045) * u72);
        r.bn = R(0.125) * u9;
        return r;
    }
    static inline R advance(R x, R a, R b, R dt) { return x + dt * phi(dt * b) * (a - b * x); }
    __attribute__((always_inline)) static inline void step(Block<R> &x, R dt) {
#pragma omp simd
        for (int i = 0; i < W; i++) x.V[i] = next_V<R, Expert>(x, i, dt);
#pragma omp simd
        for (int i = 0; i < W; i++) {
            Gates<R> r = rates(x.V[i]);
            x.am[i] = r.am, x.bm[i] = r.am + r.bm;
            x.ah[i] = r.ah, x.bh[i] = r.ah + r.bh;
            x.an[i] = r.an, x.bn[i] = r.an + r.bn;
        }
#pragma omp simd
        for (int i = 0; i < W; i++) {
            x.m[i] = advance(x.m[i], x.am[i], x.bm[i], dt);
            x.h[i] = advance(x.h[i], x.ah[i], x.bh[i], dt);
        }
#pragma omp simd
        for (int i = 0; i < W; i++) {
            x.n[i] = advance(x.n[i], x.an[i], x.bn[i], dt);
            count_spike(x, i);
        }
    }
};

template <class R, class How>
static void block(int n, const R *g_Na, const R *g_K, const R *g_L, const R *i_app, const double *start,
                  int steps, R dt, int64_t *counts) {
    Block<R> x;
    for (int i = 0; i < W; i++) {
        int k = std::min(i, n - 1);  // the last block is filled up with its last neuron
        x.g_Na[i] = g_Na[k], x.g_K[i] = g_K[k], x.g_L[i] = g_L[k], x.I[i] = i_app[k];
        x.V[i] = R(start[0]), x.m[i] = R(start[1]), x.h[i] = R(start[2]), x.n[i] = R(start[3]);
        x.armed[i] = 1, x.count[i] = 0;
    }
    for (int step = 0; step < steps; step++) How::step(x, dt);
    for (int i = 0; i < n; i++) counts[i] = int64_t(x.count[i]);
}

template <class R, class How>
static void run(int n, const R *g_Na, const R *g_K, const R *g_L, const R *i_app, const double *start,
                int steps, double dt, int64_t *counts, int threads) {
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (int k = 0; k < n; k += W)
        block<R, How>(std::min(W, n - k), g_Na + k, g_K + k, g_L + k, i_app + k, start, steps, R(dt), counts + k);
}

#define EXPORT(name, R, How)                                                                                         \
    extern "C" void name(int n, const R *g_Na, const R *g_K, const R *g_L, const R *i_app, const double *start,      \
                         int steps, double dt, int64_t *counts, int threads) {                                       \
        run<R, How<R>>(n, g_Na, g_K, g_L, i_app, start, steps, dt, counts, threads);                                 \
    }
EXPORT(plain_float64, double, Plain)
EXPORT(plain_float32, float, Plain)
EXPORT(expert_float64, double, Expert)
EXPORT(expert_float32, float, Expert)
