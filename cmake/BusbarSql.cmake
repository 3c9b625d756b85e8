# SPDX-License-Identifier: Apache-2.0
# The tables in PostgreSQL: schema.sql and the steps to it as bytes in the sinks' library.
set(sql_texts "")
foreach(name schema schema_2 schema_3)
  set(sql "${CMAKE_SOURCE_DIR}/src/sinks/postgres/${name}.sql")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${sql}")
  file(READ "${sql}" sql_bytes HEX)
  string(REGEX REPLACE "(..)" "0x\\1," sql_bytes "${sql_bytes}")
  string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)"
    "    \\1\n" sql_bytes "${sql_bytes}")
  string(APPEND sql_texts "\nconst char pg_${name}_sql[] = {\n${sql_bytes}0 };\n")
endforeach()
file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/postgres_schema.c" CONTENT
"/* SPDX-License-Identifier: Apache-2.0 */
/* Made by cmake/BusbarSql.cmake from src/sinks/postgres/schema*.sql. */
#include \"sinks/postgres/tables.h\"
@sql_texts@" @ONLY)
target_sources(bb_sinks PRIVATE "${CMAKE_BINARY_DIR}/postgres_schema.c")
