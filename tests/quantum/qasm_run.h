/* qasm_run.h: a small interpreter of OpenQASM 2.0 and 3.0, as much of it as the export uses. It knows the gates of
 * qelib1.inc as printed in arXiv:1707.03429 and those of stdgates.inc, and nothing else: any other gate must be defined
 * in the text. Shares nothing with src/quantum. */
#ifndef TEST_QUANTUM_QASM_RUN_H
#define TEST_QUANTUM_QASM_RUN_H

#include "dense.h"

/* Runs a text on |0...0>: psi[2^n] before any measurement; x and w are the values of declared inputs (3.0). False,
 * after a failed check, for a text that is not well-formed or names something unknown. */
bool qasm_run(const char *text, int n, const double *x, const double *w, dense_number *psi);

#endif
