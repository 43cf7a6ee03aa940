// SPDX-License-Identifier: GPL-2.0-only
/*
 * A keeper of what is in the secure memory of another library: SODIUM, OPENSSL or GCRYPT says of which. It knows nothing of libsalloc: that is
 * preloaded, or not. LOADED: the library is not there before the program loads it.
 */
#if defined(SODIUM)
#include <sodium.h>
#elif defined(OPENSSL)
#include <openssl/crypto.h>
#elif defined(GCRYPT)
#include <dlfcn.h>
#include <gcrypt.h>
#endif
#include <stddef.h>

#include "keeper.h"

#ifdef LOADED
static void *loaded(const char *name)
{
	void *library = dlopen("libgcrypt.so.20", RTLD_NOW), *function = library ? dlsym(library, name) : NULL;

	keeper_expect(function != NULL, name);
	return function;
}

#define LOADED_FUNCTION(name)	((__typeof__(&name))loaded(#name))
#define gcry_check_version	LOADED_FUNCTION(gcry_check_version)
#define gcry_control		LOADED_FUNCTION(gcry_control)
#define gcry_malloc_secure	LOADED_FUNCTION(gcry_malloc_secure)
#define gcry_is_secure		LOADED_FUNCTION(gcry_is_secure)
#define gcry_free		LOADED_FUNCTION(gcry_free)
#endif

#define BYTES	(KEEPER_WORDS * sizeof(unsigned int))

static void *get(void)
{
#if defined(SODIUM)
	keeper_expect(sodium_init() >= 0, "sodium_init");
	return sodium_malloc(BYTES);
#elif defined(OPENSSL)
	keeper_expect(CRYPTO_secure_malloc_init(1 << 16, 32) == 1, "CRYPTO_secure_malloc_init");
	return OPENSSL_secure_malloc(BYTES);
#elif defined(GCRYPT)
	keeper_expect(gcry_check_version(NULL) && !gcry_control(GCRYCTL_INIT_SECMEM, 1 << 16, 0) &&
		      !gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0), "libgcrypt");
	return gcry_malloc_secure(BYTES);
#endif
}

/* As its users do while they do not need it. */
static void rest(void *block)
{
#if defined(SODIUM)
	keeper_expect(!sodium_mprotect_readonly(block), "readonly");
#elif defined(OPENSSL)
	keeper_expect(CRYPTO_secure_allocated(block), "allocated");
#elif defined(GCRYPT)
	keeper_expect(gcry_is_secure(block), "secure");
#endif
}

static void release(void *block)
{
#if defined(SODIUM)
	sodium_free(block);
#elif defined(OPENSSL)
	OPENSSL_secure_clear_free(block, BYTES);
	keeper_expect(CRYPTO_secure_used() == 0 && CRYPTO_secure_malloc_done(), "nothing is left");
#elif defined(GCRYPT)
	gcry_free(block);
#endif
}

int main(void)
{
	void *block = get();

	keeper_expect(block != NULL, "secure memory");
	keeper_fill(block, 0);
	rest(block);
	keeper_wait();
	keeper_expect(keeper_intact(block, 0), "contents");
	release(block);
	return 0;
}
