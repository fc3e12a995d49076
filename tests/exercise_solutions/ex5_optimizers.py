import math


class Momentum:
    def __init__(self, params, lr, momentum):
        self.params, self.lr, self.momentum = list(params), lr, momentum
        self.velocities = [0.0] * len(self.params)

    def step(self):
        for i, p in enumerate(self.params):
            self.velocities[i] = self.momentum * self.velocities[i] + p.grad
            p.data -= self.lr * self.velocities[i]


class Adam:
    def __init__(self, params, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
        self.params, self.lr, self.betas, self.eps = list(params), lr, betas, eps
        self.steps = 0
        self.m = [0.0] * len(self.params)
        self.v = [0.0] * len(self.params)

    def step(self):
        self.steps += 1
        beta1, beta2 = self.betas
        for i, p in enumerate(self.params):
            self.m[i] = beta1 * self.m[i] + (1.0 - beta1) * p.grad
            self.v[i] = beta2 * self.v[i] + (1.0 - beta2) * p.grad**2
            m = self.m[i] / (1.0 - beta1**self.steps)
            v = self.v[i] / (1.0 - beta2**self.steps)
            p.data -= self.lr * m / (math.sqrt(v) + self.eps)


def zero_grad(params):
    for p in params:
        p.grad = 0.0
