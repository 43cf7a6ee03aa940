/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * salloc.hpp - salloc.h for C++
 *
 *	salloc::vector<unsigned char> key(32);
 *	salloc::string passphrase;		// not std::string, see below
 *	auto state = salloc::make_unique<State>(...);
 *
 * What containers allocate is protected then; the container itself, with its
 * size and its pointer, is where it was put. std::basic_string keeps short
 * strings in itself, whatever its allocator: so salloc::string is a class of its
 * own.
 *
 * std::bad_alloc is thrown when there is no protected memory, for whatever
 * reason; salloc_status() tells it. C++11; string_view with C++17.
 */
#ifndef SALLOC_HPP
#define SALLOC_HPP

#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

#if __cplusplus >= 201703L
#include <string_view>
#endif

#include <salloc.h>

/*
 * Not a namespace: there is a function of that name. In front of :: the
 * function is not looked for, so that they can be told apart.
 */
struct salloc {
	salloc() = delete;

	/* An allocator, as the standard has them. All are the same: what one allocates another may free. */
	template <class T> struct allocator {
		using value_type = T;

		allocator() noexcept = default;
		template <class U> allocator(const allocator<U> &) noexcept
		{
		}

		T *allocate(std::size_t count)
		{
			void *block = nullptr;

			if (count <= std::numeric_limits<std::size_t>::max() / 2 / sizeof(T))
				block = ::saligned_alloc(alignof(T), count * sizeof(T));
			if (!block)
				throw std::bad_alloc();
			return static_cast<T *>(block);
		}

		/* Wiped, too. */
		void deallocate(T *block, std::size_t) noexcept
		{
			::sfree(block);
		}

		template <class U> bool operator==(const allocator<U> &) const noexcept
		{
			return true;
		}
		template <class U> bool operator!=(const allocator<U> &) const noexcept
		{
			return false;
		}
	};

	template <class T> using vector = std::vector<T, allocator<T>>;

	/* For std::unique_ptr: destroys, wipes and frees. */
	template <class T> struct deleter {
		void operator()(T *object) const noexcept
		{
			object->~T();
			::sfree(object);
		}
	};

	template <class T> using unique_ptr = std::unique_ptr<T, deleter<T>>;

	template <class T, class... Arguments> static unique_ptr<T> make_unique(Arguments &&...arguments)
	{
		allocator<T> from;
		T *place = from.allocate(1);

		try {
			return unique_ptr<T>(::new (static_cast<void *>(place)) T(std::forward<Arguments>(arguments)...));
		} catch (...) {
			from.deallocate(place, 1);
			throw;
		}
	}

	/* A string, all of which is in protected memory, also when it is short. */
	class string {
	public:
		using size_type = std::size_t;
		using iterator = char *;
		using const_iterator = const char *;

		string() noexcept = default;
		string(const char *text) : string(text, std::strlen(text))
		{
		}
		string(const char *text, size_type length)
		{
			if (length) {
				resize(length);
				std::memcpy(bytes.data(), text, length);
			}
		}
		string(const string &) = default;
		/* What was moved from is empty. */
		string(string &&) noexcept = default;
		/* What was there before is wiped, and so it is below. */
		string &operator=(const string &from)
		{
			string(from).swap(*this);
			return *this;
		}
		string &operator=(string &&from) noexcept
		{
			string(std::move(from)).swap(*this);
			return *this;
		}

		size_type size() const noexcept
		{
			return bytes.empty() ? 0 : bytes.size() - 1;
		}
		size_type length() const noexcept
		{
			return size();
		}
		size_type max_size() const noexcept
		{
			return bytes.max_size() / 2;
		}
		size_type capacity() const noexcept
		{
			return bytes.capacity() ? bytes.capacity() - 1 : 0;
		}
		bool empty() const noexcept
		{
			return !size();
		}
		const char *c_str() const noexcept
		{
			return bytes.empty() ? "" : bytes.data();
		}
		const char *data() const noexcept
		{
			return c_str();
		}
		/* NULL when it is empty, and was never anything else. */
		char *data() noexcept
		{
			return bytes.data();
		}
		char &operator[](size_type at) noexcept
		{
			return bytes[at];
		}
		const char &operator[](size_type at) const noexcept
		{
			return c_str()[at];
		}
		iterator begin() noexcept
		{
			return bytes.data();
		}
		iterator end() noexcept
		{
			return bytes.data() + size();
		}
		const_iterator begin() const noexcept
		{
			return c_str();
		}
		const_iterator end() const noexcept
		{
			return c_str() + size();
		}

		void reserve(size_type length)
		{
			if (length > max_size())
				throw std::length_error("salloc::string");
			bytes.reserve(length + 1);
		}
		/* What is cut off is wiped: it would go on being there, out of sight. */
		void resize(size_type length, char fill = '\0')
		{
			size_type before = size();

			if (length > capacity())
				reserve(length > before * 2 ? length : before * 2);
			if (length < before)
				::salloc_zero(bytes.data() + length, before - length);
			bytes.resize(length + 1);
			if (length > before)
				std::memset(bytes.data() + before, fill, length - before);
			bytes[length] = '\0';
		}
		void clear()
		{
			if (!bytes.empty())
				resize(0);
		}
		void push_back(char one)
		{
			resize(size() + 1, one);
		}
		void pop_back()
		{
			resize(size() - 1);
		}
		string &append(const char *text, size_type length)
		{
			size_type at = size();
			/* It may be a part of this. */
			string copy(text, length);

			if (length > max_size() - at)
				throw std::length_error("salloc::string");
			if (length) {
				resize(at + length);
				std::memcpy(bytes.data() + at, copy.data(), length);
			}
			return *this;
		}
		string &append(const string &text)
		{
			return append(text.data(), text.size());
		}
		string &operator+=(const string &text)
		{
			return append(text);
		}
		string &operator+=(const char *text)
		{
			return append(text, std::strlen(text));
		}
		string &operator+=(char one)
		{
			push_back(one);
			return *this;
		}
		void swap(string &with) noexcept
		{
			bytes.swap(with.bytes);
		}

#if __cplusplus >= 201703L
		explicit string(std::string_view text) : string(text.data(), text.size())
		{
		}
		operator std::string_view() const noexcept
		{
			return std::string_view(data(), size());
		}
#endif

		/* The time tells the lengths, and no more. */
		friend bool operator==(const string &a, const string &b) noexcept
		{
			return a.size() == b.size() && ::salloc_equal(a.data(), b.data(), a.size());
		}
		friend bool operator!=(const string &a, const string &b) noexcept
		{
			return !(a == b);
		}
		friend string operator+(string a, const string &b)
		{
			a += b;
			return a;
		}
		friend void swap(string &a, string &b) noexcept
		{
			a.swap(b);
		}

	private:
		/* With a 0 behind it; or empty. */
		vector<char> bytes;
	};

};


#endif
