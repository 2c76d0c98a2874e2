/*
 * An access token for less than the one that is shown: fewer scope words, fewer audiences, a
 * shorter life, one use. Never wider, never longer.
 */
#pragma once

#include "jwtd/issuer/job.h"

/* The step of a narrow question. */
enum step narrow_step(struct issuer *x, struct job *job);
