DROP TABLE seawall_meta;
