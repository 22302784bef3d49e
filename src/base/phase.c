/* phase.c: what this process does now, for how long, and what its time went into. One thread enters phases; what is
 * published may be read by any. */
#include "hqcnn/base.h"

static const struct hq_phase_about {
    const char *name;
    hq_phase_kind kind;
} about[] = {
#define HQ_X(name, text, kind) {text, HQ_PHASE_##kind},
    HQ_PHASE_LIST(HQ_X)
#undef HQ_X
};

static hq_pulse nobody; /* reads it */

static struct {
    hq_pulse *pulse;
    hq_phase phase;
    int64_t step;
    double since;
    double seconds[HQ_PHASE_COUNT];
    hq_phase_event *event;
    size_t events, room;
} self = {.pulse = &nobody};

const char *hq_phase_name(hq_phase phase) { return about[phase].name; }
hq_phase_kind hq_phase_kind_of(hq_phase phase) { return about[phase].kind; }

/* Whoever reads the phase before the time never takes the start of an earlier phase for that of this one. */
static void publish(void)
{
    atomic_store_explicit(&self.pulse->since, self.since, memory_order_relaxed);
    atomic_store_explicit(&self.pulse->step_and_phase, self.step << 8 | (int64_t)self.phase, memory_order_release);
}

/* Ends the time of the phase under way. */
static void close_phase(void)
{
    const double now = hq_clock();
    if (self.since == 0) self.since = now; /* the first phase of all */
    self.seconds[self.phase] += now - self.since;
    if (self.events < self.room)
        self.event[self.events++] = (hq_phase_event){self.since, now - self.since, self.step, (int64_t)self.phase};
    self.since = now;
}

hq_phase hq_phase_enter(hq_phase phase)
{
    const hq_phase before = self.phase;
    close_phase();
    self.phase = phase;
    publish();
    return before;
}

void hq_phase_step(int64_t step)
{
    self.step = step;
    publish();
}

void hq_phase_publish(hq_pulse *pulse)
{
    self.pulse = pulse ? pulse : &nobody;
    hq_phase_enter(self.phase);
}

void hq_phase_seconds(double seconds[HQ_PHASE_COUNT])
{
    hq_phase_enter(self.phase);
    for (int i = 0; i < HQ_PHASE_COUNT; i++) seconds[i] = self.seconds[i];
}

void hq_phase_record(hq_phase_event *event, size_t room)
{
    hq_phase_enter(self.phase);
    self.event = event;
    self.room = room;
    self.events = 0;
}

size_t hq_phase_recorded(void) { return self.events; }
