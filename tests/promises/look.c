// SPDX-License-Identifier: GPL-2.0-only
/*
 * look: see look.h. Schedules are found as the kernel's crypto_aes_ctx has them, for AES-NI and for the generic code: the round keys one
 * after the other, in the order of encryption. The order of decryption stands beside it there, never alone.
 */
#include "look.h"
#include "sequence.h"

#define BITS	20
#define SLOTS	(1U << BITS)

/* From the low bits of a word to the rows that begin with such a one: 1 + the number of the last, then, by ->next, of the others. */
static unsigned short last[SLOTS];
static unsigned short next[SEQUENCE_ROWS];
static bool found[SEQUENCE_ROWS];
static unsigned char sbox[256];

_Static_assert(SEQUENCE_ROWS < 65536, "a row's number fits");

static unsigned int slot(unsigned int word)
{
	return word & (SLOTS - 1);
}

static bool is_row(const unsigned int *at, unsigned int row)
{
	for (unsigned int i = 0; i < SEQUENCE_ROW; i++)
		if (at[i] != sequence(row * SEQUENCE_ROW + i))
			return false;
	return true;
}

static unsigned char rotated(unsigned char byte, int bits)
{
	return (unsigned char)(byte << bits | byte >> (8 - bits));
}

/* The S-box, from its definition: p runs through the field's elements, q through their inverses. */
static void prepare_sbox(void)
{
	unsigned char p = 1, q = 1;

	do {
		p = (unsigned char)(p ^ p << 1 ^ (p & 0x80 ? 0x1b : 0));
		q ^= (unsigned char)(q << 1);
		q ^= (unsigned char)(q << 2);
		q ^= (unsigned char)(q << 4);
		if (q & 0x80)
			q ^= 0x09;
		sbox[p] = q ^ rotated(q, 1) ^ rotated(q, 2) ^ rotated(q, 3) ^ rotated(q, 4) ^ 0x63;
	} while (p != 1);
	sbox[0] = 0x63;
}

void look_prepare(void)
{
	prepare_sbox();
	for (unsigned int row = 0; row < SEQUENCE_ROWS; row++) {
		unsigned short *head = &last[slot(sequence(row * SEQUENCE_ROW))];

		next[row] = *head;
		*head = (unsigned short)(row + 1);
	}
}

unsigned int look_rows(const unsigned int *words, size_t n)
{
	unsigned int hits = 0;

	for (size_t i = 0; i + SEQUENCE_ROW <= n; i++)
		for (unsigned int row = last[slot(words[i])]; row; row = next[row - 1])
			if (!found[row - 1] && is_row(words + i, row - 1)) {
				found[row - 1] = true;
				hits++;
			}
	return hits;
}

/* Word @i of a schedule, from those before it. */
static unsigned int word(const unsigned int *at, unsigned int i)
{
	static const unsigned char rcon[] = { 0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x1b, 0x36 };
	unsigned int w = at[i - 1];

	if (i % SCHEDULE_KEY == 0)
		w = (sbox[w >> 8 & 0xff] | sbox[w >> 16 & 0xff] << 8 | sbox[w >> 24] << 16 | (unsigned int)sbox[w & 0xff] << 24) ^
		    rcon[i / SCHEDULE_KEY - 1];
	return w ^ at[i - SCHEDULE_KEY];
}

bool look_is_schedule(const unsigned int *at)
{
	/* Most places are told by the cheapest of the words, pages of zeros by the next. */
	if (at[5] != word(at, 5) || !(at[0] | at[1] | at[2] | at[3]))
		return false;
	for (unsigned int i = SCHEDULE_KEY; i < SCHEDULE_WORDS; i++)
		if (at[i] != word(at, i))
			return false;
	return true;
}

void look_expand(const unsigned int *key, unsigned int *schedule)
{
	for (unsigned int i = 0; i < SCHEDULE_WORDS; i++)
		schedule[i] = i < SCHEDULE_KEY ? key[i] : word(schedule, i);
}
