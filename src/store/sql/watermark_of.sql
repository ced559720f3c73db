select high_water_mark, scanned_through, read_from from watermarks where account = $1 and source = $2
