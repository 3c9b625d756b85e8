# SPDX-License-Identifier: Apache-2.0
# cmake --install, and a Debian package by `cpack -G DEB` in the release build folder. The man pages
# and completions are asked of the binary itself, so they are always those of its command table.
include(GNUInstallDirs)
set(generated "${CMAKE_BINARY_DIR}/generated")
set(nouns device point history event command certificate connector sink payload config secret snmp)

install(TARGETS busbar RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")

install(CODE "
  set(binary \"${CMAKE_BINARY_DIR}/busbar\")
  function(ask file)
    execute_process(COMMAND \"\${binary}\" \${ARGN} OUTPUT_FILE \"${generated}/\${file}\"
      COMMAND_ERROR_IS_FATAL ANY)
  endfunction()
  file(MAKE_DIRECTORY \"${generated}\")
  ask(busbar.1 man-page)
  foreach(noun ${nouns})
    ask(busbar-\${noun}.1 man-page \${noun})
  endforeach()
  ask(busbar.bash completion bash)
  ask(_busbar completion zsh)
  ask(busbar.fish completion fish)")

install(FILES "${generated}/busbar.1" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
foreach(noun ${nouns})
  install(FILES "${generated}/busbar-${noun}.1" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
endforeach()
install(FILES "${generated}/busbar.bash" RENAME busbar
  DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions")
install(FILES "${generated}/_busbar" DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions")
install(FILES "${generated}/busbar.fish"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d")
install(FILES packaging/site.yaml DESTINATION /etc/busbar)
install(FILES packaging/busbar.service DESTINATION lib/systemd/system)
install(FILES packaging/busbar.sysctl RENAME 60-busbar.conf DESTINATION lib/sysctl.d)
install(FILES packaging/busbar.sysusers RENAME busbar.conf DESTINATION lib/sysusers.d)
install(FILES README.md LICENSE SECURITY.md DESTINATION "${CMAKE_INSTALL_DOCDIR}" OPTIONAL)
install(DIRECTORY profiles/ DESTINATION "${CMAKE_INSTALL_DATADIR}/busbar/profiles")
install(DIRECTORY examples/ DESTINATION "${CMAKE_INSTALL_DOCDIR}/examples" OPTIONAL)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME busbar)
set(CPACK_PACKAGE_CONTACT "the busbar maintainers")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Industrial IoT gateway")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  "${CMAKE_SOURCE_DIR}/packaging/deb/postinst;${CMAKE_SOURCE_DIR}/packaging/deb/prerm"
  "${CMAKE_SOURCE_DIR}/packaging/deb/conffiles")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
include(CPack)
