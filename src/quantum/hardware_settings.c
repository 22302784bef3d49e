/* hardware_settings.c: what the configuration asks of simulated hardware, and what it costs. */
#include "quantum/hardware.h"

#include <math.h>

enum { AUTO_DENSITY_QUBITS_MAX = 6 };

hq_hardware_settings hq_hardware_settings_make(const hq_config *config)
{
    return (hq_hardware_settings){.shots = config->shots_count,
                                  .chunk = config->shots_chunk,
                                  .mitigation = config->shots_mitigation == HQ_MITIGATION_READOUT,
                                  .method = config->noise_method,
                                  .trajectories = config->noise_trajectories,
                                  .seed = (uint64_t)config->train_seed,
                                  .noise = {.depolarizing1 = config->noise_depolarizing1,
                                            .depolarizing2 = config->noise_depolarizing2,
                                            .amplitude_damping = config->noise_amplitude_damping,
                                            .phase_damping = config->noise_phase_damping,
                                            .readout01 = config->noise_readout01,
                                            .readout10 = config->noise_readout10}};
}

bool hq_hardware_wanted(const hq_hardware_settings *settings)
{
    return settings->shots > 0 || hq_noise_in_gates(&settings->noise) || hq_noise_in_reading(&settings->noise);
}

hq_simulation hq_hardware_simulation(const hq_hardware_settings *settings, int qubits)
{
    if (!hq_noise_in_gates(&settings->noise)) return HQ_SIMULATION_STATE;
    if (settings->method == HQ_NOISE_METHOD_DENSITY) return HQ_SIMULATION_DENSITY;
    if (settings->method == HQ_NOISE_METHOD_TRAJECTORIES) return HQ_SIMULATION_TRAJECTORIES;
    return qubits <= AUTO_DENSITY_QUBITS_MAX ? HQ_SIMULATION_DENSITY : HQ_SIMULATION_TRAJECTORIES;
}

hq_status hq_hardware_check(const hq_hardware_settings *settings, const hq_circuit *circuit)
{
    const hq_noise *noise = &settings->noise;
    if (hq_hardware_simulation(settings, circuit->qubits) == HQ_SIMULATION_DENSITY &&
        circuit->qubits > HQ_DENSITY_QUBITS_MAX)
        HQ_FAIL(HQ_ERR_CONFIG,
                "noise.method = \"density\" for a circuit of %d qubits; allowed: up to %d qubits, or \"trajectories\"",
                circuit->qubits, HQ_DENSITY_QUBITS_MAX);
    if (settings->mitigation && noise->readout01 + noise->readout10 >= 1)
        HQ_FAIL(HQ_ERR_CONFIG,
                "shots.mitigation = \"readout\" can't invert noise.readout01 = %g and noise.readout10 = %g; allowed: "
                "less than 1 together",
                noise->readout01, noise->readout10);
    if (hq_bases_count(circuit) > HQ_BASES_MAX)
        HQ_FAIL(
            HQ_ERR_CONFIG,
            "shots and noise: the %d observables of the circuit need more than %d measured bases; allowed: up to %d",
            circuit->n_observables, HQ_BASES_MAX, HQ_BASES_MAX);
    return HQ_OK;
}

/* Operations of one run of the circuit. The factors are times of this program with AVX-512 kernels, in units of half a
 * nanosecond: a start for every op, then so many for each number of the state. */
static double run_operations(const hq_hardware *h, double states)
{
    const double ops = h->sweep->circuit->n_ops;
    switch (h->simulation) {
    case HQ_SIMULATION_DENSITY:
        return ops * (400 + 4 * states * states);
    case HQ_SIMULATION_TRAJECTORIES:
        return ops * (600 + 2 * states);
    default:
        return ops * (100 + states / 2);
    }
}

double hq_hardware_seconds(const hq_hardware *h)
{
    const hq_circuit *c = h->sweep->circuit;
    const double states = (double)((size_t)1 << c->qubits), reading = states * (2 * c->qubits + 4);
    const double shots = (double)h->settings.shots / (double)h->chunks, splits = shots * c->qubits;
    const double drawing = (splits < states ? splits : states) * 100;
    const double trajectories = ceil((double)h->settings.trajectories / (double)h->chunks);
    const double runs = h->simulation == HQ_SIMULATION_TRAJECTORIES ? trajectories : 1;
    const double bases = shots > 0 ? 1 : h->bases.n;
    return (runs * (run_operations(h, states) + bases * reading) + drawing) / 2e9;
}
