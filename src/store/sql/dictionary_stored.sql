select table_name, column_name, kind, type_postgres, type_sqlite, description, is_personal
from data_dictionary
