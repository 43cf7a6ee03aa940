// SPDX-License-Identifier: GPL-2.0-only
/* A keeper of what is in containers and strings of C++: of salloc.hpp if PROTECTED is defined, else of the standard library. */
#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "keeper.h"

#ifdef PROTECTED
#include <salloc.hpp>
template <class T> using vector = salloc::vector<T>;
using string = salloc::string;
template <class T> salloc::unique_ptr<T> make() { return salloc::make_unique<T>(); }
#else
template <class T> using vector = std::vector<T>;
using string = std::string;
template <class T> std::unique_ptr<T> make() { return std::make_unique<T>(); }
#endif

#define BYTES	(KEEPER_WORDS * sizeof(unsigned int))

static volatile unsigned int *words(void *bytes)
{
	return static_cast<volatile unsigned int *>(bytes);
}

int main()
{
	vector<unsigned int> numbers(KEEPER_WORDS);
	auto single = make<std::array<unsigned int, KEEPER_WORDS>>();
	string text;

	text.resize(BYTES);
	keeper_fill(numbers.data(), 0);
	keeper_fill(words(&text[0]), 1);
	keeper_fill(words(single->data()), 2);
	keeper_wait();
	keeper_expect(keeper_intact(numbers.data(), 0) && keeper_intact(words(&text[0]), 1) && keeper_intact(words(single->data()), 2), "contents");
	return 0;
}
