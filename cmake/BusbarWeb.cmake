# SPDX-License-Identifier: Apache-2.0
# The page: npm's packages when the lock file changed, the bundle (web/build.mjs), then the bundle
# as a C table that replaces src/server/page_none.c in the server's library.
find_program(BUSBAR_NODE node)
find_program(BUSBAR_NPM npm)
if(NOT BUSBAR_NODE OR NOT BUSBAR_NPM)
  message(FATAL_ERROR "node and npm are needed for the page: scripts/setup run, or -DBUSBAR_WEB=OFF")
endif()

set(web "${CMAKE_SOURCE_DIR}/web")
set(page "${CMAKE_BINARY_DIR}/page")
set(packages "${web}/node_modules/.package-lock.json")
file(GLOB_RECURSE page_sources CONFIGURE_DEPENDS "${web}/src/*")

# Several build folders share web/node_modules: one installs, the others wait and find it done.
add_custom_command(
  OUTPUT "${packages}"
  DEPENDS "${web}/package.json" "${web}/package-lock.json" "${web}/.npmrc"
  COMMAND "${CMAKE_SOURCE_DIR}/scripts/npm-packages" "${web}"
  COMMENT "packages of the page" VERBATIM)

add_custom_command(
  OUTPUT "${page}/manifest.json"
  DEPENDS "${packages}" "${web}/build.mjs" "${web}/index.html" "${web}/tsconfig.json" ${page_sources}
  COMMAND "${CMAKE_COMMAND}" -E env "BUSBAR_WEB_OUT=${page}" "${BUSBAR_NODE}" build.mjs
  WORKING_DIRECTORY "${web}"
  COMMENT "bundling the page" VERBATIM)

add_custom_command(
  OUTPUT "${CMAKE_BINARY_DIR}/page_files.c"
  DEPENDS "${page}/manifest.json" "${CMAKE_SOURCE_DIR}/cmake/embed.mjs"
  COMMAND "${BUSBAR_NODE}" "${CMAKE_SOURCE_DIR}/cmake/embed.mjs" "${page}"
    "${CMAKE_BINARY_DIR}/page_files.c"
  COMMENT "embedding the page" VERBATIM)

get_target_property(server_sources bb_server SOURCES)
list(FILTER server_sources EXCLUDE REGEX "/page_none\\.c$")
set_property(TARGET bb_server PROPERTY SOURCES ${server_sources})
target_sources(bb_server PRIVATE "${CMAKE_BINARY_DIR}/page_files.c")
