/*
 * What a person may do with the sessions of theirs: see them, end one, end this one, end all.
 * Each is the step of the question of its name. The token that is shown says whose they are; it
 * must be one that was not narrowed.
 */
#pragma once

#include "jwtd/issuer/job.h"

enum step manage_sessions(struct issuer *x, struct job *job);
enum step manage_session_end(struct issuer *x, struct job *job);
enum step manage_logout(struct issuer *x, struct job *job);
enum step manage_logout_all(struct issuer *x, struct job *job);
