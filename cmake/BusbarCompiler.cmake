# SPDX-License-Identifier: Apache-2.0
# Warnings, sanitizers and hardening, carried by one interface library.
set(BUSBAR_SANITIZE "" CACHE STRING "sanitizers, e.g. address,undefined")
option(BUSBAR_HARDEN "full hardening (release)" OFF)

add_library(busbar_compiler INTERFACE)
target_compile_definitions(busbar_compiler INTERFACE _GNU_SOURCE BUSBAR_VERSION="${PROJECT_VERSION}")
target_compile_options(busbar_compiler INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wundef -Werror
  -fno-omit-frame-pointer -fno-common "-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=")

if(BUSBAR_SANITIZE)
  target_compile_options(busbar_compiler INTERFACE
    -fsanitize=${BUSBAR_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(busbar_compiler INTERFACE -fsanitize=${BUSBAR_SANITIZE})
endif()

if(BUSBAR_HARDEN)
  target_compile_options(busbar_compiler INTERFACE
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fPIE)
  # Not every processor or compiler has these.
  include(CheckCCompilerFlag)
  foreach(flag -fstack-clash-protection -fcf-protection -ftrivial-auto-var-init=zero
      -fzero-call-used-regs=used-gpr)
    string(MAKE_C_IDENTIFIER "has${flag}" has)
    check_c_compiler_flag(${flag} ${has})
    if(${has})
      target_compile_options(busbar_compiler INTERFACE ${flag})
    endif()
  endforeach()
  target_link_options(busbar_compiler INTERFACE -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
endif()

find_program(BUSBAR_CCACHE ccache)
if(BUSBAR_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER "${BUSBAR_CCACHE}")
endif()
