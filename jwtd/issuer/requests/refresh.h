/*
 * A refresh token for the next pair. Each session has one current refresh token; the one before
 * it gives the same successor again within RotationGrace, so that a lost answer costs nothing;
 * anything older is somebody else's copy, and ends the session.
 */
#pragma once

#include "jwtd/issuer/job.h"

enum step refresh_step(struct issuer *x, struct job *job);
