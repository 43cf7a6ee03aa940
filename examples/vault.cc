// SPDX-License-Identifier: MIT
// vault: reads lines "NAME PASSWORD" and tells which passwords are used more than once. c++ vault.cc -lsalloc
#include <iostream>
#include <map>
#include <salloc.hpp>
#include <string>
#include <unistd.h>

// A word of standard input, which has no buffer of its own: it would be a copy.
static salloc::string word(char &end)
{
	salloc::string text;

	while (read(STDIN_FILENO, &end, 1) == 1 && end != ' ' && end != '\n')
		text += end;
	return text;
}

int main()
{
	std::map<std::string, salloc::string> vault;

	for (;;) {
		char end = '\0';
		salloc::string name = word(end);

		if (name.empty())
			break;
		vault.emplace(name.c_str(), word(end));
	}
	for (auto one = vault.begin(); one != vault.end(); ++one)
		for (auto other = std::next(one); other != vault.end(); ++other)
			if (one->second == other->second)
				std::cout << one->first << " and " << other->first << " have the same\n";
	return 0;
}
