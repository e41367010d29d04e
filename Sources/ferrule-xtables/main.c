/*
 * ferrule-xtables FAMILY [--ask-kernel]
 *
 * Lets libxtables read, lay out and print a match or a target that Ferrule does not know. libxtables and the extensions it loads
 * end the process over a mistake; here that ends nothing but this process, and the one who asked learns why.
 *
 * Requests come on standard input and answers go to standard output, as frames. A request is a letter and its fields:
 *
 *   n  kind name revision   loads an extension; after the first that is found all other requests are about it
 *   o  state option head    reads one option
 *   f  state head           reads the end of the options
 *   p  data head form       prints
 *   h                       prints the help text
 *
 * An answer is a kind (see below) and its fields. What an extension writes to standard output is its text; what it writes to
 * standard error goes on to this process's own.
 */
#define _GNU_SOURCE

#include "extension.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum answer {
  ANSWER_DONE = 0,
  ANSWER_ABSENT = 1,
  /* libxtables' complaint about the words: a status of `xtables_exittype`, and the sentence. */
  ANSWER_REFUSED = 2,
  /* The extension ended the process itself: the status, and what it wrote to standard error. */
  ANSWER_EXITED = 3,
};

/* Seconds after which a request is given up, should nobody be there any more to do it. */
static const unsigned patience = 60;
/* The longest text an extension may print. */
static const rlim_t longest_text = 1 << 20;

static struct {
  int requests, answers, errors;
  /* Files in memory that stand for standard output and standard error. */
  int text, complaints;
  bool is_answering;
  int wanted_revision;
  bool asks_kernel;
  struct extension extension;
  bool is_loaded;
  uint8_t family;
} process = {.wanted_revision = -1};

static void finish_process(int status) __attribute__((noreturn));

/* Closing without the handlers of `exit`, which would answer once more. */
static void finish_process(int status) { _exit(status); }

/* What was written to a file in memory, which is emptied. */
static char *take_text(int descriptor, size_t *length) {
  off_t size = lseek(descriptor, 0, SEEK_END);
  char *text = calloc(1, (size_t)(size > 0 ? size : 0) + 1);
  if (text == NULL) abort();
  ssize_t count = size > 0 ? pread(descriptor, text, (size_t)size, 0) : 0;
  *length = count > 0 ? (size_t)count : 0;
  if (ftruncate(descriptor, 0) != 0 || lseek(descriptor, 0, SEEK_SET) != 0) abort();
  return text;
}

static void pass_complaints_on(void) {
  size_t length;
  fflush(stderr);
  char *text = take_text(process.complaints, &length);
  if (length > 0 && write(process.errors, text, length) < 0) { /* Nobody is left to tell. */ }
  free(text);
}

static void answer(struct frame_writer *frame) {
  if (!frame_send(process.answers, frame)) finish_process(0);
  free(frame->bytes);
}

static struct frame_writer begin_answer(enum answer kind) {
  struct frame_writer frame = {0};
  write_u8(&frame, (uint8_t)kind);
  return frame;
}

static void refuse(enum xtables_exittype status, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));

static void refuse(enum xtables_exittype status, const char *format, ...) {
  char *text = NULL;
  va_list arguments;
  va_start(arguments, format);
  if (vasprintf(&text, format, arguments) < 0) abort();
  va_end(arguments);
  pass_complaints_on();
  struct frame_writer frame = begin_answer(ANSWER_REFUSED);
  write_u8(&frame, (uint8_t)status);
  write_string(&frame, text);
  answer(&frame);
  finish_process(0);
}

/* An extension that calls `exit` comes here. */
static void tell_exit(int status, void *unused) {
  (void)unused;
  if (!process.is_answering) return;
  size_t length;
  fflush(stderr);
  char *text = take_text(process.complaints, &length);
  struct frame_writer frame = begin_answer(ANSWER_EXITED);
  write_u8(&frame, (uint8_t)status);
  write_bytes(&frame, text, length);
  answer(&frame);
  finish_process(status);
}

/* Decides which revisions are registered: the one asked for, those the kernel has, or all, of which the newest is used. */
static int is_compatible(const char *name, uint8_t revision, int option) {
  if (process.wanted_revision >= 0) return revision == process.wanted_revision;
  return process.asks_kernel ? xtables_compatible_revision(name, revision, option) : 1;
}

static struct xtables_globals globals = {
  .program_name = "ferrule-xtables", .program_version = "1.8.9", .exit_err = refuse, .compat_rev = is_compatible,
};

/* A process that is badly called, or badly spoken to, has nothing to say. */
static void give_up(const char *reason) {
  dprintf(process.errors, "ferrule-xtables: %s\n", reason);
  finish_process(2);
}

static int move_away(int descriptor) {
  int moved = fcntl(descriptor, F_DUPFD_CLOEXEC, 10);
  if (moved < 0) finish_process(2);
  return moved;
}

/* Puts files in memory in the place of the standard streams, so that nothing an extension prints gets between the frames. */
static void set_streams(void) {
  process.requests = move_away(0);
  process.answers = move_away(1);
  process.errors = move_away(2);
  process.text = memfd_create("text", MFD_CLOEXEC);
  process.complaints = memfd_create("complaints", MFD_CLOEXEC);
  int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (process.text < 0 || process.complaints < 0 || nothing < 0) give_up("no memory for what extensions print");
  if (dup2(nothing, 0) < 0 || dup2(process.text, 1) < 0 || dup2(process.complaints, 2) < 0) give_up("cannot set its streams");
}

/* Swift's runtime, which is linked into every program of the package, would look into a crash for half a minute. */
static void reset_signals(void) {
  const int fatal[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGQUIT, SIGSEGV, SIGTRAP};
  for (size_t index = 0; index < sizeof fatal / sizeof *fatal; index++) signal(fatal[index], SIG_DFL);
}

static void set_limits(void) {
  struct rlimit none = {0, 0}, text = {longest_text, longest_text};
  setrlimit(RLIMIT_CORE, &none);
  setrlimit(RLIMIT_FSIZE, &text);
}

static struct rule_head read_head(struct frame_reader *request) {
  struct rule_head head = {.family = process.family};
  head.protocol = read_u8(request);
  head.is_protocol_inverted = read_u8(request) != 0;
  head.is_fragment = read_u8(request) != 0;
  return head;
}

static void load_state(struct frame_reader *request) {
  struct extension_state state = {0};
  state.is_begun = read_u8(request) != 0;
  state.flags = read_u32(request);
  state.data = read_bytes(request, &state.data_length);
  state.scratch = read_bytes(request, &state.scratch_length);
  if (request->failed || !extension_load(&process.extension, &state)) give_up("a state that is none of this extension's");
}

static void describe(struct frame_writer *frame) {
  const struct extension *extension = &process.extension;
  write_string(frame, EXTENSION_FIELD(extension, name));
  write_string(frame, extension_kernel_name(extension));
  write_u8(frame, EXTENSION_FIELD(extension, revision));
  write_u32(frame, (uint32_t)EXTENSION_FIELD(extension, size));
  write_u32(frame, (uint32_t)EXTENSION_FIELD(extension, userspacesize));
  size_t count = extension_option_count(extension);
  write_u32(frame, (uint32_t)count);
  for (size_t index = 0; index < count; index += 1) {
    int has_argument;
    write_string(frame, extension_option(extension, index, &has_argument));
    write_u8(frame, (uint8_t)has_argument);
  }
}

static void answer_load(struct frame_reader *request) {
  struct extension *extension = &process.extension;
  extension->is_target = read_u8(request) != 0;
  char *name = read_string(request);
  uint32_t revision = read_u32(request);
  if (request->failed) give_up("a request that is cut short");
  process.wanted_revision = revision > UINT8_MAX ? -1 : (int)revision;
  if (extension->is_target) {
    extension->target = xtables_find_target(name, XTF_TRY_LOAD);
  } else {
    extension->match = xtables_find_match(name, XTF_TRY_LOAD, NULL);
  }
  process.is_loaded = extension->is_target ? extension->target != NULL : extension->match != NULL;
  struct frame_writer frame = begin_answer(process.is_loaded ? ANSWER_DONE : ANSWER_ABSENT);
  if (process.is_loaded) {
    describe(&frame);
    pass_complaints_on();
  } else {
    size_t length;
    fflush(stderr);
    char *reason = take_text(process.complaints, &length);
    write_bytes(&frame, reason, length);
    free(reason);
  }
  answer(&frame);
}

static void answer_option(struct frame_reader *request) {
  load_state(request);
  struct option_call call = {0};
  call.option = read_u32(request);
  call.is_inverted = read_u8(request) != 0;
  if (read_u8(request) != 0) call.argument = read_string(request);
  call.next = (int)read_u32(request);
  uint32_t count = read_u32(request);
  if (count > FRAME_LIMIT) give_up("too many words");
  call.word_count = (int)count;
  call.words = calloc(count + 1, sizeof(char *));
  if (call.words == NULL) abort();
  for (uint32_t index = 0; index < count && !request->failed; index += 1) call.words[index] = read_string(request);
  struct rule_head head = read_head(request);
  if (request->failed || call.next > call.word_count) give_up("a request that is cut short");
  int taken = extension_parse(&process.extension, &call, &head);
  if (taken < 0) give_up("no option of this number");
  pass_complaints_on();
  struct frame_writer frame = begin_answer(ANSWER_DONE);
  extension_store(&process.extension, &frame);
  write_u32(&frame, (uint32_t)taken);
  answer(&frame);
}

static void answer_finish(struct frame_reader *request) {
  load_state(request);
  extension_finish(&process.extension);
  pass_complaints_on();
  struct frame_writer frame = begin_answer(ANSWER_DONE);
  extension_store(&process.extension, &frame);
  write_u8(&frame, extension_holds_address(&process.extension));
  answer(&frame);
}

/* Answers with what stands in the place of standard output. */
static void answer_text(struct frame_writer frame) {
  size_t length;
  fflush(stdout);
  char *text = take_text(process.text, &length);
  pass_complaints_on();
  write_bytes(&frame, text, length);
  free(text);
  answer(&frame);
}

static void answer_print(struct frame_reader *request) {
  load_state(request);
  int form = (int)read_u8(request) - 1;
  struct rule_head head = read_head(request);
  if (request->failed) give_up("a request that is cut short");
  struct frame_writer frame = begin_answer(ANSWER_DONE);
  write_string(&frame, extension_saved_name(&process.extension));
  write_u8(&frame, extension_print(&process.extension, &head, form));
  answer_text(frame);
}

static void answer_help(void) {
  const struct extension *extension = &process.extension;
  void (*help)(void) = EXTENSION_FIELD(extension, help);
  if (help != NULL) help(); else printf("%s does not take any options\n", EXTENSION_FIELD(extension, name));
  answer_text(begin_answer(ANSWER_DONE));
}

static void answer_request(struct frame_reader *request) {
  uint8_t letter = read_u8(request);
  /* What was printed outside any request belongs to none. */
  size_t length;
  fflush(stdout);
  free(take_text(process.text, &length));
  if (letter == 'n' && !process.is_loaded) return answer_load(request);
  if (!process.is_loaded) give_up("no extension is loaded");
  switch (letter) {
  case 'o': return answer_option(request);
  case 'f': return answer_finish(request);
  case 'p': return answer_print(request);
  case 'h': return answer_help();
  default: give_up("no such request");
  }
}

int main(int count, char **arguments) {
  process.errors = 2;
  if (count < 2) give_up("speaks to ferrule only");
  process.family = strcmp(arguments[1], "ipv6") == 0 ? NFPROTO_IPV6 : NFPROTO_IPV4;
  process.asks_kernel = count > 2 && strcmp(arguments[2], "--ask-kernel") == 0;
  reset_signals();
  set_limits();
  set_streams();
  on_exit(tell_exit, NULL);
  if (xtables_init_all(&globals, process.family) < 0) give_up("libxtables cannot be set up");
  uint8_t *bytes;
  size_t length;
  while ((bytes = frame_receive(process.requests, &length)) != NULL) {
    struct frame_reader request = {.bytes = bytes, .length = length};
    alarm(patience);
    process.is_answering = true;
    answer_request(&request);
    process.is_answering = false;
    alarm(0);
    free(bytes);
  }
  finish_process(0);
}
