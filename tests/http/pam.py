"""A login by PAM with a token as the password: the real libpam, a service directory of the test's."""

import ctypes
import ctypes.util
import os


class Message(ctypes.Structure):
    _fields_ = [("style", ctypes.c_int), ("text", ctypes.c_char_p)]


class Response(ctypes.Structure):
    _fields_ = [("text", ctypes.c_void_p), ("code", ctypes.c_int)]


CONVERSE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.POINTER(ctypes.POINTER(Message)),
                            ctypes.POINTER(ctypes.POINTER(Response)), ctypes.c_void_p)


class Conversation(ctypes.Structure):
    _fields_ = [("converse", CONVERSE), ("data", ctypes.c_void_p)]


SUCCESS, AUTH_ERR = 0, 7
PROMPT_ECHO_OFF = 1

libc = ctypes.CDLL(None)
libc.calloc.restype = libc.strdup.restype = ctypes.c_void_p
libc.calloc.argtypes = [ctypes.c_size_t, ctypes.c_size_t]
libc.strdup.argtypes = [ctypes.c_char_p]


def answering(password):
    def converse(count, messages, ret, _):
        replies = libc.calloc(count, ctypes.sizeof(Response))
        answers = ctypes.cast(replies, ctypes.POINTER(Response))
        for i in range(count):
            if messages[i].contents.style == PROMPT_ECHO_OFF:
                answers[i].text = libc.strdup(password.encode())
        ret[0] = answers
        return SUCCESS

    return CONVERSE(converse)


def login(directory, service, user, password):
    """What pam_authenticate, and after its yes pam_acct_mgmt, say."""
    libpam = ctypes.CDLL("libpam.so.0")
    handle = ctypes.c_void_p()
    converse = answering(password)
    status = libpam.pam_start_confdir(service.encode(), user.encode(),
                                      ctypes.byref(Conversation(converse, None)), os.fsencode(directory),
                                      ctypes.byref(handle))
    assert status == SUCCESS, status
    status = libpam.pam_authenticate(handle, 0)
    if status == SUCCESS:
        status = libpam.pam_acct_mgmt(handle, 0)
    libpam.pam_end(handle, status)
    return status
