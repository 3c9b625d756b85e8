# SPDX-License-Identifier: Apache-2.0
# The standard MIB modules: the compiler of modules as a program of the build, what it makes of
# src/drivers/snmp/mib/standard as a C table in the drivers' library.
set(snmp "${CMAKE_SOURCE_DIR}/src/drivers/snmp")
file(GLOB mib_modules CONFIGURE_DEPENDS "${snmp}/mib/standard/*.mib")

add_executable(embed_mibs cmake/embed_mibs.c "${snmp}/ber/oid.c" "${snmp}/mib/compile.c"
  "${snmp}/mib/draft.c" "${snmp}/mib/messages.c" "${snmp}/mib/source.c" "${snmp}/mib/tree.c")
target_link_libraries(embed_mibs PRIVATE bb_base PkgConfig::netsnmp)

# The parser leaves some of its memory behind; it ends with the program.
add_custom_command(
  OUTPUT "${CMAKE_BINARY_DIR}/mib_standard.c"
  DEPENDS embed_mibs ${mib_modules}
  COMMAND "${CMAKE_COMMAND}" -E env "ASAN_OPTIONS=detect_leaks=0" $<TARGET_FILE:embed_mibs>
    "${CMAKE_BINARY_DIR}/mib_standard.c" ${mib_modules}
  COMMENT "compiling the standard MIB modules" VERBATIM)
target_sources(bb_drivers PRIVATE "${CMAKE_BINARY_DIR}/mib_standard.c")
