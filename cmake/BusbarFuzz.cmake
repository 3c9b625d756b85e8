# SPDX-License-Identifier: Apache-2.0
# Each tests/fuzz/NAME_fuzz.c is one libFuzzer program (clang), linked with everything below app.
add_custom_target(fuzzers)
file(GLOB fuzzers CONFIGURE_DEPENDS "tests/fuzz/*_fuzz.c")
foreach(fuzzer ${fuzzers})
  get_filename_component(program "${fuzzer}" NAME_WE)
  add_executable(${program} "${fuzzer}")
  target_include_directories(${program} PRIVATE "${CMAKE_SOURCE_DIR}/tests")
  target_compile_options(${program} PRIVATE -fsanitize=fuzzer)
  target_link_options(${program} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(${program} PRIVATE ${below})
  set_target_properties(${program} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/fuzz")
  add_dependencies(fuzzers ${program})
endforeach()
