// The functions that libwebp calls. Rust's compiler-builtins defines them for wasm.
#ifndef CSHIM_MATH_H
#define CSHIM_MATH_H

double ceil(double x);
double exp(double x);
double fabs(double x);
double floor(double x);
double log(double x);
double log10(double x);
double log2(double x);
double pow(double x, double y);
double sqrt(double x);
float expf(float x);
float logf(float x);
float sqrtf(float x);

#endif
