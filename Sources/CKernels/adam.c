// Adam (Kingma & Ba 2015, arXiv:1412.6980, algorithm 1) with weight decay coupled to the gradient or
// decoupled from it (AdamW, Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2), in the order of
// torch.optim.Adam and torch.optim.AdamW.
#include "vector.h"

// `decoupled` is a constant where this is inlined.
INLINE void adam_update(float *parameter, const float *gradient, float *m, float *v, size_t n,
                        float gradient_scale, double learning_rate, double beta1, double beta2, float eps,
                        double weight_decay, double bias1, double bias2, int decoupled) {
  const float keep = (float)(1.0 - learning_rate * weight_decay);
  const float decay = (float)weight_decay;
  const float step = (float)(learning_rate / bias1);
  const float root_scale = (float)(1.0 / sqrt(bias2));
  // The rests from double: 1 - (float)0.999 would be off by 1.3e-5.
  const float rest1 = (float)(1.0 - beta1);
  const float keep2 = (float)beta2;
  const float rest2 = (float)(1.0 - beta2);
  FOR_LANES(n, {
    const floats p = load(parameter + i, lanes);
    const floats scaled = load(gradient + i, lanes) * gradient_scale;
    const floats g = decoupled ? scaled : madd(p, (floats)decay, scaled);
    const floats m_old = load(m + i, lanes);
    const floats m_new = madd(g - m_old, (floats)rest1, m_old);
    const floats v_new = madd(load(v + i, lanes), (floats)keep2, g * g * rest2);
    const floats root = __builtin_elementwise_sqrt(v_new);
    const floats change = m_new / madd(root, (floats)root_scale, (floats)eps);
    store(m + i, m_new, lanes);
    store(v + i, v_new, lanes);
    store(parameter + i, (decoupled ? p * keep : p) - change * step, lanes);
  });
}

void KERNEL(dk_adamw)(float *parameter, const float *gradient, float *m, float *v, size_t n,
                      float gradient_scale, double learning_rate, double beta1, double beta2, float eps,
                      double weight_decay, double bias1, double bias2) {
  adam_update(parameter, gradient, m, v, n, gradient_scale, learning_rate, beta1, beta2, eps, weight_decay,
              bias1, bias2, 1);
}

void KERNEL(dk_adam)(float *parameter, const float *gradient, float *m, float *v, size_t n,
                     float gradient_scale, double learning_rate, double beta1, double beta2, float eps,
                     double weight_decay, double bias1, double bias2) {
  adam_update(parameter, gradient, m, v, n, gradient_scale, learning_rate, beta1, beta2, eps, weight_decay,
              bias1, bias2, 0);
}
