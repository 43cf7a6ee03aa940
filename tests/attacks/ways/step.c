// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stops a thread where it works with the secret, without changing any of its memory.
 *	registers	single-steps it through the function that looks at the secret. What one register has at one place of the loop,
 *			round after round, is the secret
 *	watch		has the processor stop it at the first byte that is read, by a debug register, and reads the secret there
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>

#include "prey.h"
#include "tracer.h"

#define PLACES		256	/* bytes of code */
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
	machine_get_registers(prey->pid, &regs);
	place = regs.MACHINE_PC - prey->code;
	if (place >= PLACES || rounds[place] >= ROUNDS)
		return true;
	for (size_t n = 0; n < REGISTERS; n++)
		seen[place][n][rounds[place]] = (unsigned char)((unsigned long *)&regs)[n];
	rounds[place]++;
	return true;
}

/* Debug register 0, for reads and writes of a byte; what it stands at is looked at then. The number of stops. */
static int watch(void)
{
	static unsigned char bytes[PREY_BYTES];

	if (!machine_watch(prey->pid, prey->secret))
		prey_tell("unavailable", "no debug registers");
	ptrace(PTRACE_CONT, prey->pid, 0, 0);
	if (!tracer_wait(prey->pid, 5000))
		return 0;
	tracer_peek(prey->pid, prey->secret, bytes, sizeof(bytes));
	if (prey_leaked(bytes, sizeof(bytes)))
		prey_tell("leak", "at a watchpoint");
	return 1;
}

static void unwatch(void)
{
	tracer_interrupt(prey->pid);
	machine_watch(prey->pid, 0);
}

int main(int argc, char **argv)
{
	bool watching = argc == 3 && strcmp(argv[2], "watch") == 0, stands, stopped = false;
	char detail[100];
	int steps = 0;

	prey_setup();
	if (argc != 3 || !prey_start(argv[1], "loop") || !tracer_stop(prey->pid))
		return 2;
	if (watching)
		stopped = watch();
	while (!watching && steps < STEPS && step())
		if (++steps % 1024 == 0 && found())
			prey_tell("leak", "in registers, after %d steps", steps);
	stands = prey_stands(600);
	if (watching)
		unwatch();
	tracer_detach(prey->pid);
	snprintf(detail, sizeof(detail), "it went no further, after %d steps", steps);
	if (stopped)
		prey_judge(NULL, 0, "refused", "at a watchpoint");
	prey_judge(NULL, 0, stands && steps < STEPS ? "parked" : "broken", detail);
}
