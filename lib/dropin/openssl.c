// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libsalloc-openssl.so: OpenSSL's secure heap, CRYPTO_secure_malloc(3), out of protected memory, for programs that are not changed:
 *
 *	LD_PRELOAD=libsalloc-openssl.so program
 *
 * libcrypto keeps private keys there, where there is such a heap; here there is one from the beginning, whether the program asks for it or
 * not, and it has no size of its own. Where there is no protected memory it gives NULL, and what needed it fails: OpenSSL itself would give
 * ordinary memory.
 */
#include <salloc.h>

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "../api.h"

/* As openssl/crypto.h has them, which is not needed to build this. */
API int CRYPTO_secure_malloc_init(size_t size, size_t least);
API int CRYPTO_secure_malloc_done(void);
API int CRYPTO_secure_malloc_initialized(void);
API void *CRYPTO_secure_malloc(size_t size, const char *file, int line);
API void *CRYPTO_secure_zalloc(size_t size, const char *file, int line);
API void CRYPTO_secure_free(void *ptr, const char *file, int line);
API void CRYPTO_secure_clear_free(void *ptr, size_t size, const char *file, int line);
API int CRYPTO_secure_allocated(const void *ptr);
API size_t CRYPTO_secure_actual_size(void *ptr);
API size_t CRYPTO_secure_used(void);

/*
 * Of libcrypto, for what was not had here. Children that do not use it are preloaded as well; and where it is loaded later on, its own is not
 * found, which is free() unless the program has said otherwise.
 */
__attribute__((weak)) void CRYPTO_free(void *ptr, const char *file, int line);

API int CRYPTO_secure_malloc_init(size_t size, size_t least)
{
	(void)size;
	(void)least;
	return 1;
}

API size_t CRYPTO_secure_used(void)
{
	struct salloc_status status = { .size = sizeof(status) };

	return salloc_status(&status) ? 0 : status.allocated;
}

/* It stays: there is nothing to be given back that is not with its last block. */
API int CRYPTO_secure_malloc_done(void)
{
	return !CRYPTO_secure_used();
}

API int CRYPTO_secure_malloc_initialized(void)
{
	return 1;
}

API void *CRYPTO_secure_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return size ? salloc(size) : NULL;
}

API void *CRYPTO_secure_zalloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return size ? scalloc(1, size) : NULL;
}

API void CRYPTO_secure_free(void *ptr, const char *file, int line)
{
	if (salloc_has(ptr))
		sfree(ptr);
	else if (CRYPTO_free)
		CRYPTO_free(ptr, file, line);
	else
		free(ptr);
}

API void CRYPTO_secure_clear_free(void *ptr, size_t size, const char *file, int line)
{
	if (ptr && !salloc_has(ptr))
		explicit_bzero(ptr, size);
	CRYPTO_secure_free(ptr, file, line);
}

API int CRYPTO_secure_allocated(const void *ptr)
{
	return salloc_has(ptr);
}

API size_t CRYPTO_secure_actual_size(void *ptr)
{
	return salloc_has(ptr) ? ssize(ptr) : 0;
}
