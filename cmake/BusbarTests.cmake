# SPDX-License-Identifier: Apache-2.0
# tests/unit mirrors src: each tests/unit/FOLDER/NAME_test.c is one cmocka program, linked with the
# library of its folder (and what lies below it), and one ctest named unit/FOLDER/NAME.
pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka)

file(GLOB support CONFIGURE_DEPENDS "tests/support/*.c")
if(support)
  add_library(bb_testsupport STATIC ${support})
  target_include_directories(bb_testsupport PUBLIC "${CMAKE_SOURCE_DIR}/tests")
  target_link_libraries(bb_testsupport PUBLIC bb_net PkgConfig::cmocka)
endif()

add_custom_target(unit)
file(GLOB_RECURSE tests RELATIVE "${CMAKE_SOURCE_DIR}/tests/unit" CONFIGURE_DEPENDS
  "tests/unit/*_test.c")
foreach(test ${tests})
  string(REGEX REPLACE "^([^/]+)/(.*)_test\\.c$" "\\1" folder "${test}")
  string(REGEX REPLACE "^(.*)_test\\.c$" "\\1" name "${test}")
  string(REPLACE "/" "_" program "test_${name}")
  if(TARGET bb_${folder})
    add_executable(${program} "tests/unit/${test}")
    target_include_directories(${program} PRIVATE "${CMAKE_SOURCE_DIR}/tests")
    target_link_libraries(${program} PRIVATE bb_${folder} PkgConfig::cmocka)
    if(TARGET bb_testsupport)
      target_link_libraries(${program} PRIVATE bb_testsupport)
    endif()
    set_target_properties(${program} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/unit")
    add_dependencies(unit ${program})
    add_test(NAME "unit/${name}" COMMAND ${program} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
    set_tests_properties("unit/${name}" PROPERTIES TIMEOUT 300 LABELS "unit;${folder}")
  endif()
endforeach()

if(EXISTS "${CMAKE_SOURCE_DIR}/tests/peers/CMakeLists.txt")
  add_subdirectory(tests/peers)
endif()
