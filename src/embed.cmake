# Writes OUT, a C file with the text of FILES (a glob) as the table TABLE of base/embedded.h:
# cmake -DFILES=GLOB -DTABLE=NAME -DOUT=FILE -P embed.cmake
file(GLOB files ${FILES}) # sorted by name
set(arrays "")
set(entries "")
set(number 0)
foreach(file ${files})
  get_filename_component(name ${file} NAME_WE)
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  string(APPEND arrays "static const unsigned char text${number}[] = {${bytes}};\n")
  string(APPEND entries "    {\"${name}\", text${number}, sizeof text${number}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUT} "/* Made by src/embed.cmake. */\n#include \"base/embedded.h\"\n\n${arrays}\n"
                  "extern const lks_embedded ${TABLE}[];\n"
                  "const lks_embedded ${TABLE}[] = {\n${entries}    {0}};\n")
