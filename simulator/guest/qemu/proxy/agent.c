/*
 * The agent in the proxy guest. Requests come in on a virtio-serial port, one line each, some with a payload behind
 * it; answers go out there as they are ready. The protocol is in src/guest-channel/README.md.
 *
 * A few threads take turns at the port: one reads a request, lets the next one read, and does what it was asked.
 *
 * A request names a disk by its name and by the number that the kernel gave it when it came (diskseq), so that a disk
 * which took over the name of one that is gone is never taken for it. Disks are opened without the page cache: what
 * the host changed meanwhile is seen, and the bytes are moved by the hypervisor, not by this (slow) processor.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_PAYLOAD (4u << 20) /* bytes of one read, write or copy */
#define MAX_LINE 256u
#define MAX_COMMANDS 8
#define MAX_OUTPUT (256u << 10) /* bytes kept of what a command prints */
#define ALIGNMENT 4096
#define WORKERS 4
#define OPERATIONS "devices read write zero flush copy exec"

static int port;
static pthread_mutex_t reading = PTHREAD_MUTEX_INITIALIZER; /* held by who reads requests; guards commands too */
static pthread_mutex_t answering = PTHREAD_MUTEX_INITIALIZER;
static __thread char *buffer; /* this thread's own: MAX_PAYLOAD bytes, aligned for direct IO */

/* ---- the port -------------------------------------------------------------------------------------------------- */

static char inbox[64 << 10];
static size_t inbox_start, inbox_end;

static void die(const char *what) {
  fprintf(stderr, "proxy agent: %s: %s\n", what, strerror(errno));
  exit(1);
}

/* Waits for bytes. The port reads as ended while nobody holds its other end. */
static void fill_inbox(void) {
  for (;;) {
    ssize_t got = read(port, inbox, sizeof inbox);
    if (got > 0) {
      inbox_start = 0;
      inbox_end = got;
      return;
    }
    if (got < 0 && errno != EINTR && errno != EAGAIN) die("read");
    usleep(20000);
  }
}

static void read_line(char *line) {
  size_t length = 0;
  for (;;) {
    if (inbox_start == inbox_end) fill_inbox();
    char byte = inbox[inbox_start++];
    if (byte == '\n') break;
    if (length + 1 < MAX_LINE) line[length++] = byte;
  }
  line[length] = 0;
}

/* What is longer than the buffer is read and lost; the request is refused then. */
static void read_payload(uint64_t length) {
  for (uint64_t have = 0; have < length;) {
    if (inbox_start == inbox_end) fill_inbox();
    size_t piece = inbox_end - inbox_start;
    if (piece > length - have) piece = length - have;
    if (length <= MAX_PAYLOAD) memcpy(buffer + have, inbox + inbox_start, piece);
    inbox_start += piece;
    have += piece;
  }
}

static void write_whole(const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t put = write(port, bytes, length);
    if (put > 0) {
      bytes += put;
      length -= put;
    } else if (put < 0 && errno != EINTR && errno != EAGAIN) {
      die("write");
    } else {
      usleep(1000);
    }
  }
}

static void answer(const char *id, const char *status, const char *payload, size_t length) {
  char head[MAX_LINE + 64];
  int size = snprintf(head, sizeof head, "%s %s %zu\n", id, status, length);
  pthread_mutex_lock(&answering);
  write_whole(head, size);
  write_whole(payload, length);
  pthread_mutex_unlock(&answering);
}

static void answer_text(const char *id, const char *status, const char *format, ...) {
  char text[512];
  va_list values;
  va_start(values, format);
  int size = vsnprintf(text, sizeof text, format, values);
  va_end(values);
  answer(id, status, text, size < (int)sizeof text ? size : (int)sizeof text - 1);
}

/* ---- disks ----------------------------------------------------------------------------------------------------- */

/* First line of a file under /sys/block/NAME; empty when there is none. */
static void read_attribute(const char *name, const char *attribute, char *value, size_t size) {
  char path[320];
  snprintf(path, sizeof path, "/sys/block/%s/%s", name, attribute);
  value[0] = 0;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  ssize_t got = read(file, value, size - 1);
  close(file);
  value[got > 0 ? got : 0] = 0;
  value[strcspn(value, "\n")] = 0;
}

static uint64_t read_number(const char *name, const char *attribute) {
  char value[32];
  read_attribute(name, attribute, value, sizeof value);
  return strtoull(value, NULL, 10);
}

static int is_name(const char *name) {
  return name[0] != 0 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789") == strlen(name);
}

/* Opens the disk that was meant, or returns -1: the number is looked at after opening, and it only ever grows. */
static int open_disk(const char *name, uint64_t sequence, int flags) {
  char path[64];
  if (!is_name(name) || strlen(name) > 32) {
    errno = ENOENT;
    return -1;
  }
  snprintf(path, sizeof path, "/dev/%s", name);
  int disk = open(path, flags | O_DIRECT | O_CLOEXEC);
  if (disk >= 0 && read_number(name, "diskseq") != sequence) {
    close(disk);
    errno = ENODEV;
    return -1;
  }
  return disk;
}

static void answer_failure(const char *id, const char *name, uint64_t sequence, int error) {
  int is_gone = !is_name(name) || read_number(name, "diskseq") != sequence;
  answer_text(id, is_gone ? "gone" : "failed", "%s: %s", name, is_gone ? "no such disk" : strerror(error));
}

/* 0, or the error. */
static int read_disk(int disk, char *to, uint64_t length, uint64_t offset) {
  while (length > 0) {
    ssize_t got = pread(disk, to, length, offset);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got < 0 ? errno : EINVAL; /* behind the end */
    to += got;
    length -= got;
    offset += got;
  }
  return 0;
}

static int write_disk(int disk, const char *from, uint64_t length, uint64_t offset) {
  while (length > 0) {
    ssize_t put = pwrite(disk, from, length, offset);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return put < 0 ? errno : ENOSPC;
    from += put;
    length -= put;
    offset += put;
  }
  return 0;
}

static void list_disks(const char *id) {
  char list[16 << 10];
  size_t size = 0;
  DIR *folder = opendir("/sys/block");
  if (folder == NULL) die("/sys/block");
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
    char serial[64], path[320];
    snprintf(path, sizeof path, "/dev/%s", entry->d_name);
    if (!is_name(entry->d_name) || access(path, F_OK) != 0) continue;
    read_attribute(entry->d_name, "serial", serial, sizeof serial);
    size += snprintf(list + size, sizeof list - size, "%s\t%llu\t%llu\t%d\t%s\n", entry->d_name,
                     (unsigned long long)read_number(entry->d_name, "diskseq"),
                     (unsigned long long)read_number(entry->d_name, "size") * 512,
                     read_number(entry->d_name, "ro") != 0, serial);
    if (size > sizeof list - 512) break;
  }
  closedir(folder);
  answer(id, "ok", list, size);
}

struct range {
  char name[33];
  uint64_t sequence, offset, length;
};

static void read_range(const char *id, const struct range *range) {
  int disk = open_disk(range->name, range->sequence, O_RDONLY);
  int error = disk < 0 ? errno : read_disk(disk, buffer, range->length, range->offset);
  if (disk >= 0) close(disk);
  if (error != 0) answer_failure(id, range->name, range->sequence, error);
  else answer(id, "ok", buffer, range->length);
}

/* Everything that changes a disk and has nothing to say. */
static void change_range(const char *id, const struct range *range, int (*change)(int, const struct range *)) {
  int disk = open_disk(range->name, range->sequence, O_RDWR);
  int error = disk < 0 ? errno : change(disk, range);
  if (disk >= 0) close(disk);
  if (error != 0) answer_failure(id, range->name, range->sequence, error);
  else answer(id, "ok", "", 0);
}

static int write_buffer(int disk, const struct range *range) {
  return write_disk(disk, buffer, range->length, range->offset);
}

static int zero_range(int disk, const struct range *range) {
  uint64_t area[2] = {range->offset, range->length};
  return ioctl(disk, BLKZEROOUT, area) == 0 ? 0 : errno;
}

static int flush_disk(int disk, const struct range *range) {
  (void)range;
  return fsync(disk) == 0 ? 0 : errno;
}

/* From the first disk to the second: both moves are the hypervisor's. */
static void copy_range(const char *id, const struct range *from, const struct range *to) {
  int source = open_disk(from->name, from->sequence, O_RDONLY);
  int error = source < 0 ? errno : read_disk(source, buffer, from->length, from->offset);
  if (source >= 0) close(source);
  if (error != 0) return answer_failure(id, from->name, from->sequence, error);
  change_range(id, to, write_buffer);
}

/* ---- commands -------------------------------------------------------------------------------------------------- */

static struct command {
  pid_t process; /* 0: free */
  int output;
  size_t size;
  char id[33];
  char text[16 + MAX_OUTPUT];
} *commands;

static void start_command(const char *id, unsigned seconds) {
  struct command *command = commands;
  while (command < commands + MAX_COMMANDS && command->process != 0) command++;
  if (command == commands + MAX_COMMANDS) return answer_text(id, "failed", "too many commands");
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) die("pipe");
  command->process = fork();
  if (command->process == 0) {
    char limit[16];
    snprintf(limit, sizeof limit, "%u", seconds);
    dup2(ends[1], 1);
    dup2(ends[1], 2);
    execl("/bin/busybox", "timeout", limit, "sh", "-c", buffer, (char *)NULL);
    _exit(127);
  }
  close(ends[1]);
  if (command->process < 0) die("fork");
  command->output = ends[0];
  command->size = 0;
  snprintf(command->id, sizeof command->id, "%s", id);
}

/* The exit code, a line of its own, and then what the command printed. */
static void finish_command(struct command *command) {
  int status;
  char code[16];
  close(command->output);
  waitpid(command->process, &status, 0);
  int digits = snprintf(code, sizeof code, "%d\n",
                        WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  memmove(command->text + digits, command->text, command->size);
  memcpy(command->text, code, digits);
  command->process = 0;
  answer(command->id, "ok", command->text, digits + command->size);
}

static void take_output(struct command *command) {
  char piece[4096];
  ssize_t got = read(command->output, piece, sizeof piece);
  if (got <= 0) return finish_command(command);
  size_t room = MAX_OUTPUT - command->size;
  if ((size_t)got > room) got = room;
  memcpy(command->text + command->size, piece, got);
  command->size += got;
}

/* Until there is a request; meanwhile commands are listened to. */
static void wait_for_request(void) {
  while (inbox_start == inbox_end) {
    struct pollfd files[1 + MAX_COMMANDS] = {{.fd = port, .events = POLLIN}};
    for (int i = 0; i < MAX_COMMANDS; i++) {
      files[1 + i].fd = commands[i].process == 0 ? -1 : commands[i].output;
      files[1 + i].events = POLLIN;
    }
    if (poll(files, 1 + MAX_COMMANDS, -1) < 0 && errno != EINTR) die("poll");
    for (int i = 0; i < MAX_COMMANDS; i++)
      if (files[1 + i].fd >= 0 && files[1 + i].revents != 0) take_output(&commands[i]);
    if (files[0].revents & POLLIN) return;
    if (files[0].revents & POLLHUP) usleep(20000);
  }
}

/* ---- requests -------------------------------------------------------------------------------------------------- */

struct request {
  char line[MAX_LINE], id[33], op[17];
  int words; /* behind the operation */
  struct range a, b;
};

static int is_op(const struct request *request, const char *op, int words) {
  return strcmp(request->op, op) == 0 && request->words == words;
}

static void parse_request(struct request *request) {
  unsigned long long number[5] = {0};
  struct range *a = &request->a, *b = &request->b;
  int have = sscanf(request->line, "%32s %16s %32s %llu %llu %llu %32s %llu %llu", request->id, request->op, a->name,
                    &number[0], &number[1], &number[2], b->name, &number[3], &number[4]);
  request->words = have - 2;
  a->sequence = number[0];
  a->offset = number[1];
  a->length = b->length = number[2];
  b->sequence = number[3];
  b->offset = number[4];
}

/* 0 when there is nothing left to do: the line was empty, or a command was started. */
static int read_request(struct request *request) {
  memset(request, 0, sizeof *request);
  wait_for_request();
  read_line(request->line);
  parse_request(request);
  if (is_op(request, "write", 4)) read_payload(request->a.length);
  if (is_op(request, "exec", 2)) {
    uint64_t length = request->a.sequence;
    read_payload(length);
    if (length >= MAX_PAYLOAD) answer_text(request->id, "failed", "the command is too long");
    else buffer[length] = 0, start_command(request->id, strtoul(request->a.name, NULL, 10));
    return 0;
  }
  return request->words >= 0;
}

static void serve_request(const struct request *request) {
  const char *id = request->id;
  const struct range *a = &request->a;
  if (is_op(request, "zero", 4)) change_range(id, a, zero_range);
  else if (a->length > MAX_PAYLOAD) answer_text(id, "failed", "more than %u bytes", MAX_PAYLOAD);
  else if (is_op(request, "hello", 0)) answer_text(id, "ok", "backlot-agent 1 " OPERATIONS);
  else if (is_op(request, "devices", 0)) list_disks(id);
  else if (is_op(request, "read", 4)) read_range(id, a);
  else if (is_op(request, "write", 4)) change_range(id, a, write_buffer);
  else if (is_op(request, "flush", 2)) change_range(id, a, flush_disk);
  else if (is_op(request, "copy", 7)) copy_range(id, a, &request->b);
  else answer_text(id, "failed", "not understood: %.200s", request->line);
}

static __attribute__((noreturn)) void *work(void *unused) {
  struct request request;
  (void)unused;
  if (posix_memalign((void **)&buffer, ALIGNMENT, MAX_PAYLOAD) != 0) die("memory");
  for (;;) {
    pthread_mutex_lock(&reading);
    int is_to_do = read_request(&request);
    pthread_mutex_unlock(&reading);
    if (is_to_do) serve_request(&request);
  }
}

int main(int count, char **words) {
  if (count != 2) return 2;
  port = open(words[1], O_RDWR | O_CLOEXEC);
  if (port < 0) die(words[1]);
  commands = calloc(MAX_COMMANDS, sizeof *commands);
  if (commands == NULL) die("memory");
  signal(SIGPIPE, SIG_IGN);
  for (int i = 1; i < WORKERS; i++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, NULL) != 0) die("thread");
  }
  work(NULL);
}
