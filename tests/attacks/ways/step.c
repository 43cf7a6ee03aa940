// SPDX-License-Identifier: GPL-2.0-only
/*
 * Single-steps a thread through the function that looks at the secret, and looks at its registers at each step: what one register has
 * at one place of the loop, round after round, is the secret.
 */
#include <stdio.h>
#include <sys/ptrace.h>

#include "prey.h"
#include "tracer.h"

#define PLACES		128	/* bytes of code */
#define REGISTERS	(sizeof(struct user_regs_struct) / sizeof(long))
#define ROUNDS		48
#define STEPS		40000

static unsigned char seen[PLACES][REGISTERS][ROUNDS];
static int rounds[PLACES];

static bool found(void)
{
	for (int place = 0; place < PLACES; place++)
		for (size_t n = 0; n < REGISTERS; n++)
			if (prey_leaked(seen[place][n], (size_t)rounds[place]))
				return true;
	return false;
}

/* Whether it could be let go on, a step, and stopped again. */
static bool step(void)
{
	struct user_regs_struct regs;
	uint64_t place;

	if (ptrace(PTRACE_SINGLESTEP, prey->pid, 0, 0) || !tracer_wait(prey->pid, 2000))
		return false;
	ptrace(PTRACE_GETREGS, prey->pid, 0, &regs);
	place = regs.rip - prey->code;
	if (place >= PLACES || rounds[place] >= ROUNDS)
		return true;
	for (size_t n = 0; n < REGISTERS; n++)
		seen[place][n][rounds[place]] = (unsigned char)((unsigned long *)&regs)[n];
	rounds[place]++;
	return true;
}

int main(int argc, char **argv)
{
	char detail[100];
	bool stands;
	int steps = 0;

	prey_setup();
	if (argc != 2 || !prey_start(argv[1], "loop") || !tracer_stop(prey->pid))
		return 2;
	while (steps < STEPS && step())
		if (++steps % 1024 == 0 && found())
			prey_tell("leak", "in registers, after %d steps", steps);
	stands = prey_stands(600);
	tracer_detach(prey->pid);
	snprintf(detail, sizeof(detail), "after %d steps it went no further", steps);
	prey_judge(NULL, 0, stands && steps < STEPS ? "parked" : "broken", detail);
}
