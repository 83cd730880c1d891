/* The functions that EDEN's generated code calls, in double precision, with no C library behind them.

   EDEN's wheel (0.2.3) is one static executable, and it loads the code that it generates as a shared library. Where that
   one needs a libm of another glibc than EDEN was built with, loading it ends in a segmentation fault (in _dl_init).
   `exports.py --eden` therefore links this file into the generated code instead of libm. */

typedef union { double number; unsigned long long bits; } Bits;

static double power_of_two(int n) {
    Bits b;
    if (n < -1022) return power_of_two(n + 1000) * power_of_two(-1000);
    if (n > 1023) return power_of_two(n - 1000) * power_of_two(1000);
    b.bits = (unsigned long long)(n + 1023) << 52;
    return b.number;
}

double exp(double x) {
    if (x != x) return x;
    if (x > 709.7) return __builtin_inf();
    if (x < -745.2) return 0;
    double k = __builtin_floor(x * 1.4426950408889634 + 0.5), sum = 1;
    double r = (x - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10; /* ln 2 in two parts */
    for (int i = 16; i > 0; i--) sum = 1 + sum * r / i;
    return sum * power_of_two((int)k);
}

double log(double x) {
    if (x != x || x == __builtin_inf()) return x;
    if (x < 0) return __builtin_nan("");
    if (x == 0) return -__builtin_inf();
    int exponent = 0;
    Bits b = {x};
    if (x < 2.3e-308) { b.number = x * power_of_two(54); exponent = -54; }
    exponent += (int)(b.bits >> 52) - 1023;
    b.bits = (b.bits & 0xfffffffffffffULL) | (1023ULL << 52);
    if (b.number > 1.4142135623730951) { b.number *= 0.5; exponent++; }
    double f = (b.number - 1) / (b.number + 1), sum = 0; /* log = 2 artanh f */
    for (int i = 25; i > 0; i -= 2) sum = sum * f * f + 1.0 / i;
    return exponent * 0.693147180559945309417 + 2 * f * sum;
}

double pow(double x, double y) {
    int whole = y == __builtin_floor(y), odd = whole && __builtin_fabs(y) < 1e15 && ((long long)y & 1);
    if (y == 0) return 1;
    if (x == 0) return y > 0 ? 0 : __builtin_inf();
    if (x < 0 && !whole) return __builtin_nan("");
    double size = exp(y * log(x < 0 ? -x : x));
    return x < 0 && odd ? -size : size;
}

float expf(float x) { return (float)exp(x); }
float exp2f(float x) { return (float)exp(0.693147180559945309417 * x); }
float logf(float x) { return (float)log(x); }
float powf(float x, float y) { return (float)pow(x, y); }
float sqrtf(float x) { return (float)pow(x, 0.5); }
float cbrtf(float x) { return x < 0 ? -(float)pow(-(double)x, 1.0 / 3.0) : (float)pow(x, 1.0 / 3.0); }
float coshf(float x) { return (float)(0.5 * (exp(x) + exp(-(double)x))); }
float sinhf(float x) { return (float)(0.5 * (exp(x) - exp(-(double)x))); }
float tanhf(float x) {
    double e = exp(-2 * __builtin_fabs(x)), size = (1 - e) / (1 + e);
    return (float)(x < 0 ? -size : size);
}
