/* Frames of a conversation: four bytes of length in the machine's order, then so many bytes. */
#ifndef FERRULE_FRAME_H
#define FERRULE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is still to be read of a frame. Reading past its end gives zeroes and sets `failed`. */
struct frame_reader {
  const uint8_t *bytes;
  size_t length, at;
  bool failed;
};

/* A frame being written. */
struct frame_writer {
  uint8_t *bytes;
  size_t length, room;
};

/* No request is longer: a rule's line and a structure. */
#define FRAME_LIMIT (1u << 20)

/* Reads one frame into memory that the caller frees; NULL at the end of the conversation. */
uint8_t *frame_receive(int descriptor, size_t *length);
bool frame_send(int descriptor, const struct frame_writer *frame);

uint8_t read_u8(struct frame_reader *);
uint32_t read_u32(struct frame_reader *);
/* Bytes that lie in the frame itself. */
const uint8_t *read_bytes(struct frame_reader *, size_t *length);
/* A copy that ends in a NUL and is never freed: extensions keep pointers to their arguments. */
char *read_string(struct frame_reader *);

void write_u8(struct frame_writer *, uint8_t);
void write_u32(struct frame_writer *, uint32_t);
void write_bytes(struct frame_writer *, const void *, size_t length);
void write_string(struct frame_writer *, const char *);

#endif
