select high_water_mark, scanned_through from watermarks where account = $1 and source = $2
