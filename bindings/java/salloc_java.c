// SPDX-License-Identifier: LGPL-2.1-or-later
/* The native half of org.cryptmem: what Salloc.java declares. */
#include <errno.h>
#include <jni.h>
#include <salloc.h>
#include <stdint.h>
#include <string.h>

#define NATIVE(result)	JNIEXPORT result JNICALL

/* What javac -h says of them; but no header of that name is to be installed or kept. */
NATIVE(jint) Java_org_cryptmem_Salloc_status(JNIEnv *env, jclass class, jlongArray numbers);
NATIVE(jint) Java_org_cryptmem_Salloc_setFallback(JNIEnv *env, jclass class, jint flags);
NATIVE(jint) Java_org_cryptmem_Salloc_setGuard(JNIEnv *env, jclass class, jint flags);
NATIVE(jstring) Java_org_cryptmem_Salloc_message(JNIEnv *env, jclass class, jint number);
NATIVE(jlong) Java_org_cryptmem_Salloc_allocate(JNIEnv *env, jclass class, jint size, jboolean guarded);
NATIVE(jobject) Java_org_cryptmem_Salloc_view(JNIEnv *env, jclass class, jlong address, jint size);
NATIVE(void) Java_org_cryptmem_Salloc_wipe(JNIEnv *env, jclass class, jlong address, jint size);
NATIVE(void) Java_org_cryptmem_Salloc_free(JNIEnv *env, jclass class, jlong address);
NATIVE(jint) Java_org_cryptmem_Salloc_access(JNIEnv *env, jclass class, jlong address, jint mode);

static void *pointer(jlong address)
{
	return (void *)(uintptr_t)address;
}

/* Java has no unsigned numbers: no limit is as large as there is. */
static jlong number(uint64_t value)
{
	return value > INT64_MAX ? INT64_MAX : (jlong)value;
}

jint Java_org_cryptmem_Salloc_status(JNIEnv *env, jclass class, jlongArray numbers)
{
	struct salloc_status now = { .size = sizeof(now) };
	jlong answer[8];

	(void)class;
	if (salloc_status(&now))
		return errno;
	answer[0] = now.protection;
	answer[1] = now.state;
	answer[2] = now.error;
	answer[3] = number(now.allocated);
	answer[4] = number(now.mapped);
	answer[5] = number(now.used);
	answer[6] = number(now.limit);
	answer[7] = number(now.left);
	(*env)->SetLongArrayRegion(env, numbers, 0, 8, answer);
	return 0;
}

jint Java_org_cryptmem_Salloc_setFallback(JNIEnv *env, jclass class, jint flags)
{
	(void)env;
	(void)class;
	return salloc_fallback((unsigned int)flags) ? errno : 0;
}

jint Java_org_cryptmem_Salloc_setGuard(JNIEnv *env, jclass class, jint flags)
{
	(void)env;
	(void)class;
	return salloc_guard((unsigned int)flags) ? errno : 0;
}

jstring Java_org_cryptmem_Salloc_message(JNIEnv *env, jclass class, jint number)
{
	(void)class;
	return (*env)->NewStringUTF(env, strerrordesc_np(number) ? strerrordesc_np(number) : "unknown error");
}

jlong Java_org_cryptmem_Salloc_allocate(JNIEnv *env, jclass class, jint size, jboolean guarded)
{
	/* All zero, both. */
	void *block = guarded ? salloc_guarded((size_t)size) : scalloc(1, (size_t)size);

	(void)env;
	(void)class;
	return block ? (jlong)(uintptr_t)block : -errno;
}

jobject Java_org_cryptmem_Salloc_view(JNIEnv *env, jclass class, jlong address, jint size)
{
	(void)class;
	return (*env)->NewDirectByteBuffer(env, pointer(address), size);
}

void Java_org_cryptmem_Salloc_wipe(JNIEnv *env, jclass class, jlong address, jint size)
{
	(void)env;
	(void)class;
	salloc_zero(pointer(address), (size_t)size);
}

void Java_org_cryptmem_Salloc_free(JNIEnv *env, jclass class, jlong address)
{
	(void)env;
	(void)class;
	sfree(pointer(address));
}

jint Java_org_cryptmem_Salloc_access(JNIEnv *env, jclass class, jlong address, jint mode)
{
	static int (*const functions[])(void *) = { salloc_rw, salloc_ro, salloc_noaccess };

	(void)env;
	(void)class;
	return functions[mode](pointer(address)) ? errno : 0;
}
