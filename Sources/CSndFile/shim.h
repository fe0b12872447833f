// libsndfile: WAV and FLAC.
#pragma once

#include <sndfile.h>
