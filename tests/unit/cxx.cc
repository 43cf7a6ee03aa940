// SPDX-License-Identifier: LGPL-2.1-or-later
/* salloc.hpp: containers, strings and pointers; that all of what they hold is in blocks, and that none is left. */
#include <salloc.hpp>

#include <list>
#include <map>
#include <stdexcept>
#include <string>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
extern "C" {
#include "tap.h"
}
#pragma GCC diagnostic pop

static bool in_block(const void *ptr)
{
	return salloc_has(ptr);
}

static std::size_t allocated()
{
	struct salloc_status status;

	status.size = sizeof(status);
	return salloc_status(&status) ? ~static_cast<std::size_t>(0) : static_cast<std::size_t>(status.allocated);
}

struct alignas(64) aligned {
	char bytes[64];
};

struct thrower {
	thrower()
	{
		throw std::runtime_error("no");
	}
	char bytes[100];
};

static void containers()
{
	salloc::vector<unsigned char> bytes(100, 7);
	salloc::vector<aligned> wide(3);
	std::list<int, salloc::allocator<int>> list = { 1, 2, 3 };
	std::map<int, int, std::less<int>, salloc::allocator<std::pair<const int, int>>> map;
	bool threw = false;

	for (int i = 0; i < 1000; i++)
		bytes.push_back(static_cast<unsigned char>(i));
	for (int i = 0; i < 100; i++)
		map[i * 7 % 101] = i;
	ok(in_block(bytes.data()) && bytes.size() == 1100 && bytes[99] == 7 && bytes[100] == 0, "a vector that grows");
	ok(in_block(wide.data()) && reinterpret_cast<std::size_t>(wide.data()) % 64 == 0, "of what wants to be aligned");
	ok(in_block(&list.front()) && list.back() == 3 && in_block(&map.begin()->second) && map.size() == 100, "a list and a map");
	try {
		bytes.reserve(static_cast<std::size_t>(-1) / 4);
	} catch (const std::bad_alloc &) {
		threw = true;
	} catch (const std::length_error &) {
		threw = true;
	}
	ok(threw && bytes.size() == 1100, "more than there can be is thrown");
	salloc::vector<unsigned char> moved(std::move(bytes));
	ok(moved.size() == 1100 && salloc::allocator<int>() == salloc::allocator<char>(), "moved");
}

static void pointers()
{
	std::size_t before = allocated();
	bool threw = false;
	{
		auto one = salloc::make_unique<std::pair<int, int>>(3, 4);
		auto wide = salloc::make_unique<aligned>();

		ok(in_block(one.get()) && one->second == 4 && reinterpret_cast<std::size_t>(wide.get()) % 64 == 0, "make_unique()");
	}
	try {
		salloc::make_unique<thrower>();
	} catch (const std::runtime_error &) {
		threw = true;
	}
	ok(threw && allocated() == before, "nothing is left of them, nor of what could not be made");
}

static void strings()
{
	salloc::string none, brief = "short", copy = brief, text("with a \0 in it", 14);
	std::string wanted;
	const char *old;

	ok(none.empty() && !*none.c_str() && none == "" && none.begin() == none.end(), "an empty string");
	ok(brief.size() == 5 && in_block(brief.data()) && !std::strcmp(brief.c_str(), "short") && copy == brief && copy.data() != brief.data(),
	   "a short one is in a block, too");
	ok(text.size() == 14 && text[8] == ' ' && text[7] == '\0', "any bytes");
	for (int i = 0; i < 300; i++) {
		char letter = static_cast<char>('a' + i % 26);

		copy += letter;
		wanted += letter;
	}
	ok(copy.size() == 305 && !std::strcmp(copy.c_str() + 5, wanted.c_str()), "it grows");
	old = copy.data();
	copy.resize(3);
	ok(copy == "sho" && copy.data() == old && tap_is_filled(old + 3, 0, 302), "what is cut off is wiped");
	copy.resize(6, 'x');
	ok(copy == "shoxxx" && copy.c_str()[6] == '\0', "and filled");
	copy.pop_back();
	copy.append(copy.data() + 1, 4);
	ok(copy == "shoxxhoxx", "with a part of itself");
	copy += copy;
	ok(copy == "shoxxhoxxshoxxhoxx" && copy + "!" == salloc::string("shoxxhoxxshoxxhoxx!"), "with all of itself");
	brief = std::move(copy);
	ok(copy.empty() && !*copy.c_str() && brief.size() == 18, "moved to another");
	none = brief;
	ok(none == brief && none != "shoxx" && none != salloc::string("shoxxhoxxshoxxhoxX"), "compared");
	swap(none, copy);
	ok(none.empty() && copy == brief && copy.end() - copy.begin() == 18, "swapped");
#if __cplusplus >= 201703L
	std::string_view view = copy;
	ok(view.substr(0, 3) == "sho" && salloc::string(view) == copy, "as a view");
#endif
	old = copy.data();
	copy = salloc::string("x");
	ok(tap_is_filled(old, 0, 18) && copy.size() == 1, "what another takes the place of is wiped");
	copy = brief;
	bool threw = false;
	try {
		copy.resize(static_cast<std::size_t>(-1));
	} catch (const std::length_error &) {
		threw = true;
	}
	ok(threw && copy == brief && !copy.c_str()[copy.size()], "more than there can be: as it was");
	static_assert(noexcept(salloc::string(std::move(copy))) && noexcept(copy = std::move(brief)), "moving does not throw");
	copy.clear();
	ok(copy.empty() && copy.capacity() >= 18, "cleared");
}

int main()
{
	std::size_t before = allocated();

	containers();
	pointers();
	strings();
	ok(allocated() == before, "all is given back");
	return tap_done();
}
