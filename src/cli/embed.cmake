# Writes OUT, a C file with the text of every CONFIGS/*.yaml: cmake -DCONFIGS=DIR -DOUT=FILE -P embed.cmake
file(GLOB configs ${CONFIGS}/*.yaml) # sorted by name
set(arrays "")
set(entries "")
set(number 0)
foreach(config ${configs})
  get_filename_component(name ${config} NAME_WE)
  file(READ ${config} bytes HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  string(APPEND arrays "static const unsigned char text${number}[] = {${bytes}};\n")
  string(APPEND entries "    {\"${name}\", text${number}, sizeof text${number}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUT} "/* Made by src/cli/embed.cmake. */\n#include \"cli/shipped.h\"\n\n${arrays}\n"
                  "const lks_shipped lks_shipped_configs[] = {\n${entries}    {0}};\n")
