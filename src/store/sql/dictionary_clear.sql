delete from data_dictionary
