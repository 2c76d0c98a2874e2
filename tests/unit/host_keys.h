/* Public keys as ssh-keygen writes them, and the beginning of what `ssh-keygen -l` prints. */
#pragma once

#define HOST_KEY_LINE_1                                                                        \
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILHJTm+SsyVD5zhLlVd2wjk5ZOeTpWZnR+oKPc+Fdg0U "        \
    "root@box\n"
#define HOST_KEY_1 "rVWF0XYY8VdYnGdcftaePg" /* 9Nb8wKfZ6AsG/nTxAS0zQ */

/* SHA256:zE20i+QHEaHF6j2iZIvaorMg4D2E/qW3NGj/sdESV+Y */
#define HOST_KEY_LINE_2                                                                        \
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBK5H3SX+lkg5EjR"  \
    "TI/8oh6eBOMGrNjXV/4p2REcBDwJMQGdx11jKL8PSTadGqw73/ILeUbE1lLPg5rbC3ienqvQ= root@box\n"
#define HOST_KEY_2 "zE20i-QHEaHF6j2iZIvaor"
