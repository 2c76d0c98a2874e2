/*
 * Questions about a token that change nothing: is it good, and whose is it.
 */
#pragma once

#include "jwtd/issuer/job.h"

enum step verify_step(struct issuer *x, struct job *job);
enum step whoami_step(struct issuer *x, struct job *job);
