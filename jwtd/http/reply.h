/*
 * One reply: status, header fields, a body. The body may hold tokens: it is in wiped memory,
 * and tokens never go through json-c, which does not wipe. Each reply ends its connection.
 */
#pragma once

#include "common/base/secret.h"
#include "common/base/username.h"
#include "common/json/emit.h"

#include <json.h>
#include <time.h>

#define REPLY_ETAG_SIZE 24

struct reply {
    int status;
    const char *allow;     /* the methods of the route; NULL: no route */
    const char *challenge; /* of a 401: "Bearer" */
    const char *cache;     /* Cache-Control; NULL: none */
    const char *type;      /* of the body; NULL: application/json */
    uint64_t retry_after;  /* seconds; 0: none */
    const char *origin;    /* that may read the reply (CORS); NULL or "": none */
    bool by_origin;        /* another Origin may get another reply */
    const char *preflight; /* of a CORS preflight: the name of the field with the token */
    char etag[REPLY_ETAG_SIZE];
    char user[USER_NAME_MAX + 1]; /* user of the token, for X-Forwarded-User */
    struct secret body;
    int file; /* has_file: sent in place of the body, and closed */
    off_t file_size;
    bool has_file;
    bool no_memory; /* for the body */
};

/* Each of these replaces what *reply was, which is zeroed at first. reply_clear frees it. */
void reply_init(struct reply *reply, int status);
void reply_clear(struct reply *reply);

/* Takes over body; NULL: out of memory. */
void reply_json(struct reply *reply, int status, struct json_object *body);

/* {"detail":DETAIL} or {"detail":DETAIL,"code":CODE}; code may be NULL. */
void reply_detail(struct reply *reply, int status, const char *detail, const char *code);

/* A token and a second one, which may be empty: {NAME:TOKEN,SECOND_NAME:SECOND}. */
void reply_tokens(struct reply *reply, const char *name, struct slice token,
                  const char *second_name, struct slice second);

/* 200 with tokens. */
void reply_emit(struct reply *reply, emit_fn *emit, const void *arg);

/* Copies a body that is ready. */
void reply_bytes(struct reply *reply, int status, struct slice body);

/* Takes over fd, an open file of this size that does not change, from whose beginning the body
 * is sent. */
void reply_file(struct reply *reply, int fd, off_t size);

/* The bytes to send. with_body: false for HEAD, whose reply only has the length of the body.
 * 204 and 304 have no body; a file is not included. TOK_NO_MEMORY. */
enum tok_err reply_pack(const struct reply *reply, bool with_body, time_t date,
                        struct secret *ret) MUST_CHECK;
