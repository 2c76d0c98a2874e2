/*
 * The programs beside jwtctl: askpass, hostkey and, in bin/, the wrappers of ssh, scp,
 * sftp and sudo.
 */
#pragma once

/* Malloc'ed, absolute: the directory of this installation, found from the path of the running
 * program, so that it may be installed anywhere; "" is the directory itself. */
char *libexec_path(const char *name);
