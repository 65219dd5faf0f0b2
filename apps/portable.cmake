# cmake -D bin=FOLDER -P portable.cmake: copies the libraries that FOLDER's programs need into FOLDER/lib, where
# they look first, except glibc's, which must match the system.
file(GLOB programs ${bin}/sapnet-*)
file(REMOVE_RECURSE ${bin}/lib)
file(GET_RUNTIME_DEPENDENCIES EXECUTABLES ${programs} RESOLVED_DEPENDENCIES_VAR libraries
     PRE_EXCLUDE_REGEXES "^ld-linux" "^lib(c|m|dl|pthread|rt)\\.so")
foreach(library ${libraries})
  get_filename_component(name ${library} NAME)
  configure_file(${library} ${bin}/lib/${name} COPYONLY)
endforeach()
