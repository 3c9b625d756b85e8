# SPDX-License-Identifier: Apache-2.0
# The tables in PostgreSQL: schema.sql as bytes in the sinks' library.
set(sql "${CMAKE_SOURCE_DIR}/src/sinks/postgres/schema.sql")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${sql}")
file(READ "${sql}" sql_bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," sql_bytes "${sql_bytes}")
string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)"
  "    \\1\n" sql_bytes "${sql_bytes}")
file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/postgres_schema.c" CONTENT
"/* SPDX-License-Identifier: Apache-2.0 */
/* Made by cmake/BusbarSql.cmake from src/sinks/postgres/schema.sql. */
#include \"sinks/postgres/tables.h\"

const char pg_schema_sql[] = {
@sql_bytes@0 };
" @ONLY)
target_sources(bb_sinks PRIVATE "${CMAKE_BINARY_DIR}/postgres_schema.c")
