/* noise.c: the noise model: channels of one wire, errors in reading and how they are undone. */
#include "quantum/noise.h"

#include <math.h>

bool hq_noise_in_gates(const hq_noise *noise)
{
    return noise->depolarizing1 > 0 || noise->depolarizing2 > 0 || noise->amplitude_damping > 0 ||
           noise->phase_damping > 0;
}

bool hq_noise_in_reading(const hq_noise *noise) { return noise->readout01 > 0 || noise->readout10 > 0; }

hq_channel hq_channel_make(double p, double gamma, double lambda)
{
    const double stay = 1 - p / 2, change = p / 2, keep = 1 - gamma; /* of populations; of |1> in the damping */
    return (hq_channel){.population = {stay + gamma * change, change + gamma * stay, keep * change, keep * stay},
                        .coherence = (1 - p) * sqrt(keep) * sqrt(1 - lambda)};
}

void hq_readout_apply(const hq_noise *noise, int qubits, double *p)
{
    const size_t size = (size_t)1 << qubits;
    const double up = noise->readout01, down = noise->readout10;
    if (!hq_noise_in_reading(noise)) return;
    for (size_t bit = 1; bit < size; bit <<= 1)
        for (size_t first = 0; first < size; first += 2 * bit)
            for (size_t i = first; i < first + bit; i++) {
                const double zero = p[i], one = p[i + bit];
                p[i] = (1 - up) * zero + down * one;
                p[i + bit] = up * zero + (1 - down) * one;
            }
}

/* A wire whose true sign is s is read with mean sign offset + scale s; so (read - offset) / scale has mean s. This is
 * the inverse of the matrix above, applied to the signs in place of the frequencies. */
void hq_readout_values(const hq_noise *noise, bool mitigation, int wires, double *value)
{
    double zero = 1, one = -1;
    if (mitigation && hq_noise_in_reading(noise)) {
        const double offset = noise->readout10 - noise->readout01, scale = 1 - noise->readout01 - noise->readout10;
        zero = (1 - offset) / scale;
        one = (-1 - offset) / scale;
    }
    for (int m = 0; m <= wires; m++) {
        value[m] = 1;
        for (int k = 0; k < wires; k++) value[m] *= k < m ? one : zero;
    }
}
