#include "frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool read_all(int descriptor, void *into, size_t length) {
  size_t done = 0;
  while (done < length) {
    ssize_t count = read(descriptor, (uint8_t *)into + done, length - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    done += (size_t)count;
  }
  return true;
}

static bool write_all(int descriptor, const void *from, size_t length) {
  size_t done = 0;
  while (done < length) {
    ssize_t count = write(descriptor, (const uint8_t *)from + done, length - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    done += (size_t)count;
  }
  return true;
}

uint8_t *frame_receive(int descriptor, size_t *length) {
  uint32_t size;
  if (!read_all(descriptor, &size, sizeof(size)) || size > FRAME_LIMIT) return NULL;
  uint8_t *bytes = malloc(size + 1);
  if (bytes == NULL || !read_all(descriptor, bytes, size)) {
    free(bytes);
    return NULL;
  }
  *length = size;
  return bytes;
}

bool frame_send(int descriptor, const struct frame_writer *frame) {
  uint32_t size = (uint32_t)frame->length;
  return write_all(descriptor, &size, sizeof(size)) && write_all(descriptor, frame->bytes, frame->length);
}

static const uint8_t *take(struct frame_reader *reader, size_t count) {
  if (reader->failed || reader->length - reader->at < count) {
    reader->failed = true;
    return NULL;
  }
  reader->at += count;
  return reader->bytes + reader->at - count;
}

uint8_t read_u8(struct frame_reader *reader) {
  const uint8_t *byte = take(reader, 1);
  return byte == NULL ? 0 : *byte;
}

uint32_t read_u32(struct frame_reader *reader) {
  uint32_t value = 0;
  const uint8_t *bytes = take(reader, sizeof(value));
  if (bytes != NULL) memcpy(&value, bytes, sizeof(value));
  return value;
}

const uint8_t *read_bytes(struct frame_reader *reader, size_t *length) {
  size_t count = read_u32(reader);
  const uint8_t *bytes = take(reader, count);
  *length = bytes == NULL ? 0 : count;
  return bytes;
}

char *read_string(struct frame_reader *reader) {
  size_t length;
  const uint8_t *bytes = read_bytes(reader, &length);
  char *text = malloc(length + 1);
  if (text == NULL) abort();
  if (length > 0) memcpy(text, bytes, length);
  text[length] = '\0';
  return text;
}

static uint8_t *extend(struct frame_writer *writer, size_t count) {
  if (writer->room - writer->length < count) {
    writer->room = 2 * writer->room + count;
    writer->bytes = realloc(writer->bytes, writer->room);
    if (writer->bytes == NULL) abort();
  }
  writer->length += count;
  return writer->bytes + writer->length - count;
}

void write_u8(struct frame_writer *writer, uint8_t value) { *extend(writer, 1) = value; }

void write_u32(struct frame_writer *writer, uint32_t value) { memcpy(extend(writer, sizeof(value)), &value, sizeof(value)); }

void write_bytes(struct frame_writer *writer, const void *bytes, size_t length) {
  write_u32(writer, (uint32_t)length);
  if (length > 0) memcpy(extend(writer, length), bytes, length);
}

void write_string(struct frame_writer *writer, const char *text) { write_bytes(writer, text, strlen(text)); }
