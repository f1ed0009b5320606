/* SPDX-License-Identifier: Apache-2.0
 *
 * A PKCS #11 library between the product and SoftHSM, stricter than any token: it
 * counts calls that overlap, which an application that initialised without locks has
 * promised not to make. And it fails on demand, as devices do.
 *
 * PKCS #11 v2.40: CK_FUNCTION_LIST is a version and 68 pointers. Every argument of
 * every function is an integer or a pointer, so one wrapper of six words fits all.
 */
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#define COUNT 68
enum { GET_FUNCTION_LIST = 3, OPEN_SESSION = 12, CLOSE_SESSION = 13, CLOSE_ALL = 14, LOGIN = 18, SIGN = 43 };
enum { NONE, HANGS, BROKEN, GARBAGE, SHORT, LOSES, OPEN_HANGS, LONG_ };
enum { CKR_OK = 0, CKR_DEVICE_ERROR = 0x30, CKR_SESSION_HANDLE_INVALID = 0xB3 };

typedef unsigned long word;
typedef word (*function)(word, word, word, word, word, word);
struct list { unsigned char version[2]; function at[COUNT]; };

/* Set and read by tests. */
volatile int fault = NONE, left = 0, overlaps = 0, logins = 0, signs = 0, sessions = 0;

static struct list ours;
static const struct list *theirs;
static volatile int inside = 0;
static volatile word slot = 0;

static void hang(int what) {
	for (int i = 0; i < 2000 && fault == what; i++) usleep(10000);
}

static word forward(int i, word a, word b, word c, word d, word e, word f) {
	if (fault == BROKEN) return CKR_DEVICE_ERROR;
	if (i == OPEN_SESSION) slot = a;
	if (i == OPEN_SESSION && fault == OPEN_HANGS) hang(OPEN_HANGS);
	if (i == LOGIN) __sync_fetch_and_add(&logins, 1);
	if (i == SIGN && fault == HANGS) hang(HANGS);
	if (i == SIGN && fault == LOSES && left > 0) {
		left--;
		theirs->at[CLOSE_ALL](slot, 0, 0, 0, 0, 0);
		return CKR_SESSION_HANDLE_INVALID;
	}
	word rv = theirs->at[i](a, b, c, d, e, f);
	if (i == OPEN_SESSION && rv == CKR_OK) sessions++;
	if (i == CLOSE_SESSION && rv == CKR_OK) sessions--;
	if (i == SIGN && rv == CKR_OK && d) {
		__sync_fetch_and_add(&signs, 1);
		if (fault == GARBAGE) memset((void *)d, 0x11, *(word *)e);
		if (fault == SHORT) *(word *)e = 7;
		if (fault == LONG_) *(word *)e = 4096;
	}
	return rv;
}

static word enter(int i, word a, word b, word c, word d, word e, word f) {
	if (__sync_fetch_and_add(&inside, 1)) __sync_fetch_and_add(&overlaps, 1);
	word rv = forward(i, a, b, c, d, e, f);
	__sync_fetch_and_sub(&inside, 1);
	return rv;
}

#define W(i) static word w##i(word a, word b, word c, word d, word e, word f) \
	{ return enter(i, a, b, c, d, e, f); }
#define TENS(X, t) X(t##0) X(t##1) X(t##2) X(t##3) X(t##4) X(t##5) X(t##6) X(t##7) X(t##8) X(t##9)
#define ALL(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) \
	TENS(X, 1) TENS(X, 2) TENS(X, 3) TENS(X, 4) TENS(X, 5) \
	X(60) X(61) X(62) X(63) X(64) X(65) X(66) X(67)
ALL(W)
#define NAME(i) w##i,
static const function wrappers[COUNT] = { ALL(NAME) };

word C_GetFunctionList(struct list **answer) {
	void *library = dlopen(SOFTHSM, RTLD_NOW | RTLD_LOCAL);
	word (*get)(const struct list **) =
		library ? (word (*)(const struct list **))dlsym(library, "C_GetFunctionList") : NULL;
	if (!get || get(&theirs) != CKR_OK) return CKR_DEVICE_ERROR;
	memcpy(ours.version, theirs->version, sizeof ours.version);
	memcpy(ours.at, wrappers, sizeof wrappers);
	ours.at[GET_FUNCTION_LIST] = (function)(void *)C_GetFunctionList;
	*answer = &ours;
	return CKR_OK;
}
